/* SPDX-License-Identifier: MIT */
/*
 * crypt: AES-256-XTS, sector by sector, as dm-crypt's aes-xts-plain64.
 *
 *   write   the bytes are encrypted in place where the frame allows it, else
 *           into a copy, and go down
 *   read    the bytes come up encrypted and are decrypted in the caller's memory
 *
 * The tweak of a sector is its number, counted in 512 bytes whatever the size of
 * the sectors, as dm-crypt does by default. Long requests are worked on by
 * another thread while their container is held.
 *
 * The first block below is a header: cipher, sector size, and a check of the
 * key; kiobuf-formats(5) has the layout. header=none is bare dm-crypt, where a
 * wrong key goes unnoticed.
 */
#include <kiobuf/layer.h>

#include "base/endian.h"
#include "base/math.h"
#include "port/port.h"

#define HEADER_BYTES 4096u
#define KEY_BYTES 64u
#define MOST_SECTOR 4096u
#define LONG_REQUEST (128u * 1024)

/* offsets in the header */
#define AT_MAGIC 0u
#define AT_VERSION 8u
#define AT_CIPHER 16u
#define AT_SECTOR 48u
#define AT_DATA 56u
#define AT_IDENTITY 64u
#define AT_NONCE 80u
#define AT_CHECK 112u
#define AT_CRC (HEADER_BYTES - 4)

#define NONCE_BYTES 32u

static const char magic[8] = "KIOCRYPT";
static const char cipher[] = "aes-256-xts-plain64";

struct crypt {
	struct kio_layer layer;
	struct kio_secret key;
	int sector_choice, header_choice;

	uint64_t sector;
	uint64_t data; /* offset below */
	struct kio__xts *xts;
};

struct crypt_channel {
	unsigned char sector[MOST_SECTOR]; /* for one that lies across pieces of memory */
};

struct crypt_frame {
	struct kio_work work;
	struct kio_frame *frame;
	struct kio_iter to;
	int status;
};

static const char *const sector_choices[] = { "512", "4096", NULL };
static const char *const header_choices[] = { "yes", "none", NULL };

static const struct kio_opt crypt_opts[] = {
	KIO_OPT_SECRET(struct crypt, key, "64 random bytes, as `kiobuf key create` makes them",
		       .flags = KIO_OPT_REQUIRED),
	{ .name = "sector", .type = KIO_TYPE_CHOICE, .at = offsetof(struct crypt, sector_choice),
	  .value = 1, .choices = sector_choices, .help = "bytes that are encrypted as one" },
	{ .name = "header", .type = KIO_TYPE_CHOICE, .at = offsetof(struct crypt, header_choice),
	  .value = 0, .choices = header_choices,
	  .help = "whether a header checks the key; none is bare dm-crypt" },
	{ 0 }
};

static struct crypt *
crypt_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct crypt, layer);
}

/* --- opening ------------------------------------------------------------ */

static bool
has_header(const struct crypt *crypt)
{
	return crypt->header_choice == 0;
}

static int
crypt_set_key(struct crypt *crypt, struct kio_diag *diag)
{
	const struct kio_secret *key = &crypt->key;
	int rc;

	if (key->len != KEY_BYTES)
		return kio_refuse(diag, -EINVAL, "the key has %U bytes and not %u; kiobuf key create makes one",
				  (uint64_t)key->len, KEY_BYTES);
	if (memcmp(key->data, key->data + KEY_BYTES / 2, KEY_BYTES / 2) == 0)
		return kio_refuse(diag, -EINVAL, "the two halves of the key are the same; it is not random");
	rc = kio__xts_create(&crypt->xts, key->data);
	return rc < 0 ? kio_refuse(diag, rc, "the cipher cannot be set up: %e", rc) : 0;
}

static int
crypt_limits(struct crypt *crypt, struct kio_diag *diag)
{
	struct kio_limits *limits = &crypt->layer.limits;

	crypt->sector = crypt->sector_choice == 0 ? 512 : 4096;
	crypt->data = has_header(crypt) ? HEADER_BYTES : 0;
	if (crypt->sector < limits->block)
		return kio_refuse(diag, -EINVAL, "sector=%U is smaller than the blocks below, %u",
				  crypt->sector, limits->block);
	if (limits->size < crypt->data + crypt->sector)
		return kio_refuse(diag, -EINVAL, "there is no room for a sector in %S", limits->size);
	limits->size = kio__align_down(limits->size - crypt->data, crypt->sector);
	limits->block = (uint32_t)crypt->sector;
	limits->best = (uint32_t)kio__max(limits->best, 4096);
	if (limits->boundary != 0 && crypt->data % limits->boundary != 0)
		limits->boundary = 0;
	return 0;
}

/* What the key makes of the nonce tells it from another; no sector has this tweak. */
static int
key_check(struct crypt *crypt, const unsigned char *nonce, unsigned char *check)
{
	static const unsigned char tweak[16] = { 255, 255, 255, 255, 255, 255, 255, 255,
						 255, 255, 255, 255, 255, 255, 255, 255 };

	return kio__xts_run(crypt->xts, true, tweak, 0, check, nonce, NONCE_BYTES, 1);
}

static bool
is_header(const unsigned char *header)
{
	return memcmp(header + AT_MAGIC, magic, sizeof(magic)) == 0;
}

static int
header_check(struct crypt *crypt, const unsigned char *header, struct kio_diag *diag)
{
	unsigned char check[NONCE_BYTES];
	uint64_t sector = kio__get_le32(header + AT_SECTOR);
	int rc;

	if (!is_header(header))
		return kio_refuse(diag, -ENODATA, "there is no crypt header below; kiobuf create writes one, "
						  "header=none goes without");
	if (kio__get_le32(header + AT_CRC) != kio__crc32c(0, header, AT_CRC))
		return kio_refuse(diag, -EIO, "the crypt header is damaged");
	if (kio__get_le32(header + AT_VERSION) != 1 ||
	    memcmp(header + AT_CIPHER, cipher, sizeof(cipher)) != 0 ||
	    kio__get_le64(header + AT_DATA) != HEADER_BYTES)
		return kio_refuse(diag, -ENOTSUP, "the crypt header is of a newer version than this one knows");
	if (sector != crypt->sector)
		return kio_refuse(diag, -EINVAL, "it was created with sector=%U", sector);
	rc = key_check(crypt, header + AT_NONCE, check);
	if (rc == 0 && memcmp(check, header + AT_CHECK, NONCE_BYTES) != 0)
		return kio_refuse(diag, -EACCES, "this is not the key it was created with");
	return rc;
}

static int
crypt_prepare(struct crypt *crypt, struct kio_diag *diag)
{
	int rc = crypt_limits(crypt, diag);

	return rc == 0 ? crypt_set_key(crypt, diag) : rc;
}

static int
read_header(struct crypt *crypt, unsigned char *header, struct kio_diag *diag)
{
	int rc = kio_leg_read(crypt->layer.below, header, HEADER_BYTES, 0);

	return rc < 0 ? kio_refuse(diag, rc, "the crypt header cannot be read: %e", rc) : 0;
}

static int
crypt_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct crypt *crypt = crypt_of(layer);
	unsigned char *header = kio__alloc_aligned(HEADER_BYTES, 4096);
	int rc = header == NULL ? -ENOMEM : crypt_prepare(crypt, diag);

	if (rc == 0 && has_header(crypt))
		rc = read_header(crypt, header, diag);
	if (rc == 0 && has_header(crypt))
		rc = header_check(crypt, header, diag);
	kio__free(header);
	if (rc < 0)
		kio__xts_destroy(&crypt->xts);
	return rc;
}

static int
write_header(struct crypt *crypt, unsigned char *header, struct kio_diag *diag)
{
	int rc;

	memset(header, 0, HEADER_BYTES);
	memcpy(header + AT_MAGIC, magic, sizeof(magic));
	kio__put_le32(header + AT_VERSION, 1);
	memcpy(header + AT_CIPHER, cipher, sizeof(cipher));
	kio__put_le32(header + AT_SECTOR, (uint32_t)crypt->sector);
	kio__put_le64(header + AT_DATA, HEADER_BYTES);
	rc = kio__random(header + AT_IDENTITY, 16);
	if (rc == 0)
		rc = kio__random(header + AT_NONCE, NONCE_BYTES);
	if (rc == 0)
		rc = key_check(crypt, header + AT_NONCE, header + AT_CHECK);
	kio__put_le32(header + AT_CRC, kio__crc32c(0, header, AT_CRC));
	if (rc == 0)
		rc = kio_leg_write(crypt->layer.below, header, HEADER_BYTES, 0, KIO_FUA);
	return rc < 0 ? kio_refuse(diag, rc, "the crypt header cannot be written: %e", rc) : 0;
}

static int
crypt_create(struct kio_layer *layer, struct kio_diag *diag)
{
	struct crypt *crypt = crypt_of(layer);
	unsigned char *header = kio__alloc_aligned(HEADER_BYTES, 4096);
	int rc = header == NULL ? -ENOMEM : crypt_prepare(crypt, diag);

	if (rc == 0 && has_header(crypt))
		rc = read_header(crypt, header, diag);
	if (rc == 0 && has_header(crypt) && is_header(header) && !kio_layer_force(layer))
		rc = kio_refuse(diag, -EEXIST,
				"there is a crypt header already; to write another makes its data unreadable");
	if (rc == 0 && has_header(crypt))
		rc = write_header(crypt, header, diag);
	kio__free(header);
	if (rc < 0)
		kio__xts_destroy(&crypt->xts);
	return rc;
}

static int
crypt_close(struct kio_layer *layer)
{
	kio__xts_destroy(&crypt_of(layer)->xts);
	return 0;
}

static int
crypt_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	struct crypt *crypt = crypt_of(layer);
	int rc = kio_leg_resize(layer->below, size + crypt->data, diag);

	layer->limits.size = kio__align_down(layer->below->limits.size - crypt->data, crypt->sector);
	return rc;
}

/* --- the cipher over pieces of memory ----------------------------------- */

static int
run_sectors(struct crypt *crypt, bool encrypt, uint64_t offset, void *to, const void *from,
	    uint64_t len)
{
	unsigned char tweak[16] = { 0 };

	kio__put_le64(tweak, offset >> 9);
	return kio__xts_run(crypt->xts, encrypt, tweak, crypt->sector >> 9, to, from,
			    (size_t)crypt->sector, (size_t)(len / crypt->sector));
}

/* A sector that lies across pieces is put together, and taken apart again. */
static int
run_scattered(struct crypt *crypt, struct crypt_channel *channel, bool encrypt, uint64_t offset,
	      struct kio_iter to, struct kio_iter from)
{
	int rc;

	kio_iter_copy_to(from, channel->sector, crypt->sector);
	rc = run_sectors(crypt, encrypt, offset, channel->sector, channel->sector, crypt->sector);
	kio_iter_copy_from(to, channel->sector, crypt->sector);
	return rc;
}

/* channel may be NULL where no sector is scattered. */
static int
run_cipher(struct crypt *crypt, struct crypt_channel *channel, bool encrypt, uint64_t offset,
	   struct kio_iter to, struct kio_iter from)
{
	struct kio_iter to_next, from_next;
	size_t to_len = 0, from_len = 0;
	void *to_base, *from_base;
	uint64_t len;
	int rc = 0;

	while (from.len != 0 && rc == 0) {
		to_next = to;
		from_next = from;
		to_base = kio_iter_next(&to_next, &to_len);
		from_base = kio_iter_next(&from_next, &from_len);
		len = kio__align_down(kio__min(to_len, from_len), crypt->sector);
		if (len != 0) {
			rc = run_sectors(crypt, encrypt, offset, to_base, from_base, len);
		} else {
			len = crypt->sector;
			rc = run_scattered(crypt, channel, encrypt, offset, to, from);
		}
		offset += len;
		kio_iter_skip(&to, len);
		kio_iter_skip(&from, len);
	}
	return rc;
}

/* --- requests ----------------------------------------------------------- */

/* Another thread pays off for what is long, and can do it where no sector is scattered. */
static bool
is_for_workers(const struct crypt *crypt, const struct kio_frame *frame)
{
	struct kio_iter data = frame->data;
	size_t len;

	if (data.len < LONG_REQUEST)
		return false;
	while (kio_iter_next(&data, &len) != NULL) {
		if (len % crypt->sector != 0)
			return false;
	}
	return true;
}

static void
work_run(struct kio_work *work)
{
	struct crypt_frame *state = kio_container_of(work, struct crypt_frame, work);
	struct kio_frame *frame = state->frame;
	struct crypt *crypt = (struct crypt *)frame->priv;

	state->status = run_cipher(crypt, NULL, frame->op == KIO_WRITE, frame->offset, state->to,
				   frame->data);
}

static void
write_encrypted(struct kio_work *work)
{
	struct crypt_frame *state = kio_container_of(work, struct crypt_frame, work);
	struct kio_frame *frame = state->frame;
	const struct crypt *crypt = (const struct crypt *)frame->priv;

	if (state->status < 0)
		kio_complete(frame, state->status);
	else
		kio_pass_data(frame, frame->offset + crypt->data, state->to);
}

static void
read_decrypted(struct kio_work *work)
{
	struct crypt_frame *state = kio_container_of(work, struct crypt_frame, work);

	kio_resume(state->frame, state->status);
}

static void
work_start(struct crypt *crypt, struct kio_frame *frame, struct kio_iter to,
	   void (*then)(struct kio_work *work))
{
	struct crypt_frame *state = kio_frame_area(frame);

	frame->priv = (uintptr_t)crypt;
	state->frame = frame;
	state->to = to;
	state->work.run = work_run;
	state->work.then = then;
	kio_work_start(kio_frame_loop(frame), &state->work);
}

static void
crypt_write(struct crypt *crypt, struct kio_frame *frame)
{
	struct kio_iter to;
	int rc;

	if (!kio_writable(frame, &to))
		return;
	if (is_for_workers(crypt, frame)) {
		work_start(crypt, frame, to, write_encrypted);
		return;
	}
	rc = run_cipher(crypt, kio_frame_channel(frame), true, frame->offset, to, frame->data);
	if (rc < 0)
		kio_complete(frame, rc);
	else
		kio_pass_data(frame, frame->offset + crypt->data, to);
}

static void
crypt_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct crypt *crypt = crypt_of(layer);

	if (frame->op == KIO_WRITE)
		crypt_write(crypt, frame);
	else
		kio_pass_at(frame, frame->op == KIO_FLUSH ? 0 : frame->offset + crypt->data);
}

static enum kio_next
crypt_done(struct kio_layer *layer, struct kio_frame *frame)
{
	struct crypt *crypt = crypt_of(layer);
	int rc;

	if (frame->op != KIO_READ || kio_frame_status(frame) < 0)
		return KIO_UP;
	if (is_for_workers(crypt, frame)) {
		work_start(crypt, frame, frame->data, read_decrypted);
		return KIO_HOLD;
	}
	rc = run_cipher(crypt, kio_frame_channel(frame), false, frame->offset, frame->data, frame->data);
	if (rc < 0)
		kio_frame_set_status(frame, rc);
	return KIO_UP;
}

static void
crypt_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct crypt *crypt = kio_container_of(layer, const struct crypt, layer);

	kio_format(text, size, "aes-256-xts, sector %U, %s", crypt->sector,
		   has_header(crypt) ? "key checked" : "bare, key unchecked");
}

const struct kio_class kio_class_crypt = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "crypt",
	.summary = "encrypt with AES-256-XTS, as dm-crypt does",
	.maturity = "beta",
	.size = sizeof(struct crypt),
	.frame_size = sizeof(struct crypt_frame),
	.channel_size = sizeof(struct crypt_channel),
	.opts = crypt_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_CHANGES_DATA,
	.max_copy = 256 * 1024,
	.open = crypt_open,
	.close = crypt_close,
	.create = crypt_create,
	.submit = crypt_submit,
	.done = crypt_done,
	.resize = crypt_resize,
	.describe = crypt_describe,
};
