# head and tail by read, change and write; the middle as it is
stack align | trace block=4K
write 4K 8K 1
> 0 write 4K 8K
write 5000 10000 2
> 0 read 4K 4K
> 0 write 8K 4K
> 0 read 12K 4K
> 0 write 4K 4K
> 0 write 12K 4K
read 5000 10000 2
read 4K 904 1
# within one block
write 100 10 3 fua
> 0 read 0 4K
> 0 write 0 4K fua
read 100 10 3
# a discard shrinks to whole blocks
discard 100 10K
> 0 discard 4K 4K
discard 100 1000
> nothing
zero 16K 4K
> 0 write-zeroes 16K 4K
