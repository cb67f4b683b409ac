# crop moves offsets, and lets nothing out of its range
stack crop offset=4K size=64K | trace
write 100 1000 1
> 0 write 4196 1000
read 100 1000 1
zero 0 4K
> 0 write-zeroes 4K 4K
flush
> 0 flush
read 60K 8K 1
status ERANGE
> nothing
refused past the end
stack crop offset=2M | trace
refused not a multiple of the block below
stack crop offset=512 | trace block=4K
