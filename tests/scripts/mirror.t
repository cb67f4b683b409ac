# writes go to all legs, reads to one
stack mirror state=none { trace id=1 ; trace id=2 }
write 0 4K 1
> 1 write 0 4K
> 2 write 0 4K
read 0 4K 1
> 1 read 0 4K
flush
> 1 flush
> 2 flush
# one that cannot be read is read from the other
fail 1 read EIO 1
read 0 4K 1
> 1 read 0 4K
> 2 read 0 4K
# one that failed a write is not used again
fail 1 write EIO 1
write 8K 4K 2
> 1 write 8K 4K
> 2 write 8K 4K
read 8K 4K 2
> 2 read 8K 4K
write 8K 4K 3
> 2 write 8K 4K
> nothing
