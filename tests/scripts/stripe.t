# chunks in turn; what lies in one travels whole
stack stripe chunk=4K { trace id=1 ; trace id=2 ; trace id=3 }
write 0 4K 1
> 1 write 0 4K
write 4K 100 1
> 2 write 0 100
write 12K 4K 2
> 1 write 4K 4K
write 2K 8K 3 fua
> 1 write 2K 2K fua
> 2 write 0 4K fua
> 3 write 0 2K fua
read 2K 8K 3
read 12K 4K 2
refused is not a power of two
stack stripe chunk=5K { trace ; trace }
