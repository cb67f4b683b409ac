# fan-out in fan-out; the error lowest in byte order is the one that is told
stack stripe chunk=8K { concat { trace id=1 size=12K ; trace id=2 size=12K } ; mirror state=none { trace id=3 size=24K ; trace id=4 size=24K } }
write 0 32K 5
> 1 write 0 8K
> 3 write 0 8K
> 4 write 0 8K
> 1 write 8K 4K
> 2 write 0 4K
> 3 write 8K 8K
> 4 write 8K 8K
read 0 32K 5
fail 2 write ENOSPC 1
fail 3 write EIO 1
fail 4 write EIO 1
write 0 32K 6
status EIO
failed 8K 16K
