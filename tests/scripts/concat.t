# what crosses a border is split there, and only there
stack concat { trace id=1 size=64K ; trace id=2 size=64K }
write 10K 20K 3
> 1 write 10K 20K
write 60K 8K 4
> 1 write 60K 4K
> 2 write 0 4K
read 60K 8K 4
read 10K 20K 3
flush
> 1 flush
> 2 flush
write 120K 16K 1
status ERANGE
fail 2 write ENOSPC 1
write 60K 8K 5
status ENOSPC
failed 4K 4K
