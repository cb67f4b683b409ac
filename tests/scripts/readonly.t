stack readonly | trace
write 0 4K 1
status EROFS
zero 0 4K
status EROFS
discard 0 4K
status EROFS
> nothing
read 0 4K 0
> 0 read 0 4K
flush
> 0 flush
