/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace.h"

static unsigned char data[2 << 20], back[2 << 20], wanted[2 << 20];

static const struct kio_stack_options creates = { .create = true };

static void
write_key(const char *path, unsigned seed, unsigned len, unsigned mode)
{
	FILE *file = fopen(path, "w");

	for (unsigned i = 0; i < len; i++)
		fputc((int)(i * 7 + seed + i / 32), file);
	fclose(file);
	chmod(path, mode);
}

/* dm-crypt's aes-xts-plain64, straight from the cipher: tweak is the 512-byte sector. */
static void
encrypt(unsigned char *to, const unsigned char *from, size_t len, size_t sector, uint64_t offset)
{
	unsigned char key[64], iv[16];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int done;

	for (unsigned i = 0; i < 64; i++)
		key[i] = (unsigned char)(i * 7 + 1 + i / 32);
	for (size_t at = 0; at < len; at += sector) {
		uint64_t number = (offset + at) / 512;

		memset(iv, 0, sizeof(iv));
		for (unsigned i = 0; i < 8; i++)
			iv[i] = (unsigned char)(number >> 8 * i);
		EVP_EncryptInit_ex(context, EVP_aes_256_xts(), NULL, key, iv);
		EVP_EncryptUpdate(context, to + at, &done, from + at, (int)sector);
	}
	EVP_CIPHER_CTX_free(context);
}

static void
bare(unsigned sector)
{
	char text[128];
	struct rig rig;

	snprintf(text, sizeof(text), "crypt header=none sector=%u key-file=c.key | trace id=1", sector);
	CHECK(rig_open(&rig, text, NULL));
	fill_pattern(data, 1 << 20, 0, sector);
	/* short ones on the loop, long ones by workers */
	for (size_t len = sector; len <= 1 << 19; len *= 8) {
		CHECK_EQ(rig_write(&rig, data, len, 65536), 0);
		encrypt(wanted, data, len, sector, 65536);
		CHECK_EQ(memcmp(trace_bytes(1) + 65536, wanted, len), 0);
		CHECK_EQ(rig_read(&rig, back, len, 65536), 0);
		CHECK_EQ(memcmp(back, data, len), 0);
	}
	rig_close(&rig);
}

TEST("crypt: without a header it is dm-crypt's aes-xts-plain64, in sectors of 512 and 4096")
{
	write_key("c.key", 1, 64, 0600);
	bare(512);
	bare(4096);
}

TEST("crypt: a created one opens with its key and sector only")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	write_key("c.key", 1, 64, 0600);
	write_key("d.key", 2, 64, 0600);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=c.key | trace id=2 size=64K", NULL, &diag), -ENODATA);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=c.key | trace id=2 size=64K", &creates, &diag), 0);
	kio_stack_close(&stack, NULL);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=c.key | trace id=2 size=64K", NULL, &diag), 0);
	CHECK_EQ(kio_stack_limits(stack)->size, 65536 - 4096);
	CHECK_EQ(kio_stack_limits(stack)->block, 4096);
	kio_stack_close(&stack, NULL);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=d.key | trace id=2 size=64K", NULL, &diag), -EACCES);
	CHECK_EQ(kio_stack_open(&stack, "crypt sector=512 key-file=c.key | trace id=2 size=64K", NULL, &diag),
		 -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=c.key | trace id=2 size=64K", &creates, &diag), -EEXIST);
	trace_bytes(2)[300] ^= 1;
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=c.key | trace id=2 size=64K", NULL, &diag), -EIO);
}

TEST("crypt: a key of the wrong length, open to others, or not random is refused")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	write_key("e.key", 1, 63, 0600);
	CHECK_EQ(kio_stack_open(&stack, "crypt header=none key-file=e.key | null", NULL, &diag), -EINVAL);
	write_key("e.key", 1, 64, 0644);
	CHECK_EQ(kio_stack_open(&stack, "crypt header=none key-file=e.key | null", NULL, &diag), -EACCES);
	CHECK_STR(diag.text, "1:19: e.key can be read by others; chmod 600 e.key");
	truncate("e.key", 0);
	truncate("e.key", 64);
	chmod("e.key", 0600);
	CHECK_EQ(kio_stack_open(&stack, "crypt header=none key-file=e.key | null", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "halves") != NULL);
	unlink("e.key");
}

TEST("crypt: memory in odd pieces, and sectors that lie across them")
{
	struct rig rig;
	size_t at = 0;

	write_key("c.key", 1, 64, 0600);
	CHECK(rig_open(&rig, "crypt header=none key-file=c.key | trace id=1", NULL));
	fill_pattern(data, 65536, 0, 3);
	kio_chain_init(&rig.kio->chain, rig.kio->chain.segs, 64);
	for (size_t piece = 1; at < 65536; at += piece, piece = piece * 2 + 1 < 65536 - at ? piece * 2 + 1 : 65536 - at)
		kio_chain_add(&rig.kio->chain, data + at, piece < 65536 - at ? piece : 65536 - at, NULL);
	kio_write(rig.kio, 4096, kio_chain_iter(&rig.kio->chain), 0, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	encrypt(wanted, data, 65536, 4096, 4096);
	CHECK_EQ(memcmp(trace_bytes(1) + 4096, wanted, 65536), 0);
	memset(back, 0, 65536);
	at = 0;
	kio_chain_init(&rig.kio->chain, rig.kio->chain.segs, 64);
	for (size_t piece = 5000; at < 65536; at += piece)
		kio_chain_add(&rig.kio->chain, back + at, piece < 65536 - at ? piece : 65536 - at, NULL);
	kio_read(rig.kio, 4096, kio_chain_iter(&rig.kio->chain), NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(memcmp(back, data, 65536), 0);
	rig_close(&rig);
}

TEST("crypt: a gift is encrypted in place; all else in a copy that is counted")
{
	struct kio_mem mem;
	struct kio_stat stat;
	struct rig rig;

	write_key("c.key", 1, 64, 0600);
	CHECK(rig_open(&rig, "crypt header=none key-file=c.key | trace id=1", NULL));
	kio_mem_init(&mem, data, 65536, NULL);
	kio_chain_init(&rig.kio->chain, rig.kio->chain.segs, 64);
	kio_chain_add(&rig.kio->chain, data, 65536, &mem);
	kio_write(rig.kio, 0, kio_chain_iter(&rig.kio->chain), 0, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(trace_notes[0].base == data);
	kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
	CHECK_EQ(stat.copied, 0);
	CHECK_EQ(rig_write(&rig, data, 65536, 0), 0);
	kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
	CHECK_EQ(stat.copied, 65536);
	rig_close(&rig);
}

TEST("crypt: what it hides has no holes, and zeroes are written")
{
	uint64_t len;
	uint32_t flags;
	struct rig rig;

	write_key("c.key", 1, 64, 0600);
	CHECK(rig_open(&rig, "crypt header=none key-file=c.key | mem 1M", NULL));
	CHECK_EQ(kio_pextent(rig.stack, 1 << 20, 0, &len, &flags), 0);
	CHECK_EQ(len, 1 << 20);
	CHECK_EQ(flags, 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 1 << 20, 0), 0);
	memset(back, 1, 1 << 20);
	CHECK_EQ(rig_read(&rig, back, 1 << 20, 0), 0);
	for (unsigned i = 0; i < 1 << 20; i++) {
		if (back[i] != 0) {
			CHECK_EQ(back[i], 0);
			break;
		}
	}
	rig_close(&rig);
	unlink("c.key");
	unlink("d.key");
}
