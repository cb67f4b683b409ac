# longer than the driver takes: split there, as late as possible
stack crop | delay 1us | trace max-transfer=8K
write 1 20K 7
> 0 write 1 8K
> 0 write 8193 8K
> 0 write 16385 4K
read 1 20K 7
# what the driver cannot do
stack trace plain
write 0 4K 1
zero 0 3K
> 0 write 0 3K
read 0 3K 0
discard 0 4K
status ENOTSUP
# blocks
stack trace block=4K
write 100 4K 1
status EINVAL
write 0 100 1
status EINVAL
write 1M 4K 1
status ERANGE
> nothing
