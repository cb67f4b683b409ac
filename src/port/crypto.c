/* SPDX-License-Identifier: MIT */
/*
 * AES-256-XTS by OpenSSL, and CRC-32C.
 *
 * An OpenSSL context is set up for one key and direction and used by one thread
 * at a time. Setting it up costs more than a sector and allocates, so all are made
 * with the key: one for each worker and for as many loops. A user takes the one at
 * hand, or one from the key's list. One thread alone needs no mutex.
 *
 * Each sector has a tweak of its own. To set it through EVP_CipherInit_ex costs
 * a tenth of what a sector of 4096 bytes does, and as much as one of 512 (the
 * length of the tweak is looked up by name), so it is written where OpenSSL
 * keeps it, if a trial shows that this works.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* EVP_CIPHER_CTX_iv_noconst */
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#include "port/port.h"

#define KEY_BYTES 64
#define TWEAK_BYTES 16

struct context {
	struct context *next;
	EVP_CIPHER_CTX *cipher;
	unsigned char *tweak; /* where the cipher has it, or NULL */
};

struct kio__xts {
	struct context *at_hand[2]; /* by direction, as idle; atomic */
	pthread_mutex_t mutex;
	struct context *idle[2];
	unsigned char key[KEY_BYTES];
};

static bool
set_tweak(struct context *context, const unsigned char *tweak)
{
	if (context->tweak == NULL)
		return EVP_CipherInit_ex(context->cipher, NULL, NULL, NULL, tweak, -1) == 1;
	memcpy(context->tweak, tweak, TWEAK_BYTES);
	return true;
}

/* Looks for the place of the tweak: what is written there must change the result as it should. */
static void
find_tweak(struct context *context)
{
	static const unsigned char zero[TWEAK_BYTES], other[TWEAK_BYTES] = { 1, 2, 3 };
	unsigned char right[32] = { 0 }, tried[32] = { 0 }, *place;
	int done;

	if (!set_tweak(context, other) ||
	    EVP_CipherUpdate(context->cipher, right, &done, right, sizeof(right)) != 1 ||
	    !set_tweak(context, zero))
		return;
	place = EVP_CIPHER_CTX_iv_noconst(context->cipher);
	if (place == NULL || memcmp(place, zero, TWEAK_BYTES) != 0)
		return;
	memcpy(place, other, TWEAK_BYTES);
	if (EVP_CipherUpdate(context->cipher, tried, &done, tried, sizeof(tried)) == 1 &&
	    memcmp(right, tried, sizeof(right)) == 0)
		context->tweak = place;
}

static struct context *
context_create(const struct kio__xts *xts, bool encrypt)
{
	struct context *context = kio__alloc(sizeof(*context));

	if (context == NULL)
		return NULL;
	context->cipher = EVP_CIPHER_CTX_new();
	if (context->cipher != NULL &&
	    EVP_CipherInit_ex(context->cipher, EVP_aes_256_xts(), NULL, xts->key, NULL, encrypt) == 1) {
		find_tweak(context);
		return context;
	}
	EVP_CIPHER_CTX_free(context->cipher);
	kio__free(context);
	return NULL;
}

static struct context *
context_from_list(struct kio__xts *xts, bool encrypt)
{
	struct context *context;

	pthread_mutex_lock(&xts->mutex);
	context = xts->idle[encrypt];
	if (context != NULL)
		xts->idle[encrypt] = context->next;
	pthread_mutex_unlock(&xts->mutex);
	return context;
}

/* One comes free when others are done with a request, if more threads than there are contexts want one. */
static struct context *
context_take(struct kio__xts *xts, bool encrypt)
{
	struct context *context;

	for (;;) {
		context = __atomic_exchange_n(&xts->at_hand[encrypt], NULL, __ATOMIC_ACQUIRE);
		if (context == NULL)
			context = context_from_list(xts, encrypt);
		if (context != NULL)
			return context;
		kio__yield();
	}
}

static void
context_give(struct kio__xts *xts, bool encrypt, struct context *context)
{
	context = __atomic_exchange_n(&xts->at_hand[encrypt], context, __ATOMIC_ACQ_REL);
	if (context == NULL)
		return;
	pthread_mutex_lock(&xts->mutex);
	context->next = xts->idle[encrypt];
	xts->idle[encrypt] = context;
	pthread_mutex_unlock(&xts->mutex);
}

static int
contexts_create(struct kio__xts *xts, bool encrypt, int count)
{
	struct context *context;

	for (int i = 0; i < count; i++) {
		context = context_create(xts, encrypt);
		if (context == NULL)
			return -ENOMEM;
		context_give(xts, encrypt, context);
	}
	return 0;
}

int
kio__xts_create(struct kio__xts **out, const unsigned char *key)
{
	struct kio__xts *xts = kio__alloc(sizeof(*xts));
	int rc;

	if (xts == NULL)
		return -ENOMEM;
	rc = kio__workers_start();
	pthread_mutex_init(&xts->mutex, NULL);
	memcpy(xts->key, key, KEY_BYTES);
	for (int encrypt = 0, count = 2 * rc; encrypt < 2 && rc >= 0; encrypt++)
		rc = contexts_create(xts, encrypt, count);
	if (rc < 0)
		kio__xts_destroy(&xts);
	*out = xts;
	return rc;
}

void
kio__xts_destroy(struct kio__xts **out)
{
	struct kio__xts *xts = *out;
	struct context *context;

	if (xts == NULL)
		return;
	for (int encrypt = 0; encrypt < 2; encrypt++) {
		while ((context = xts->at_hand[encrypt]) != NULL || (context = xts->idle[encrypt]) != NULL) {
			if (xts->at_hand[encrypt] != NULL)
				xts->at_hand[encrypt] = NULL;
			else
				xts->idle[encrypt] = context->next;
			EVP_CIPHER_CTX_free(context->cipher);
			kio__free(context);
		}
	}
	pthread_mutex_destroy(&xts->mutex);
	kio__wipe(xts->key, sizeof(xts->key));
	kio__free(xts);
	*out = NULL;
}

int
kio__xts_run(struct kio__xts *xts, bool encrypt, const unsigned char tweak[16], uint64_t step,
	     void *to, const void *from, size_t unit, size_t units)
{
	struct context *context = context_take(xts, encrypt);
	unsigned char iv[TWEAK_BYTES];
	unsigned char *out = to;
	const unsigned char *in = from;
	uint64_t number;
	int done, rc = 0;

	memcpy(iv, tweak, sizeof(iv));
	memcpy(&number, iv, sizeof(number));
	for (; units > 0 && rc == 0; units--, out += unit, in += unit) {
		if (!set_tweak(context, iv) ||
		    EVP_CipherUpdate(context->cipher, out, &done, in, (int)unit) != 1)
			rc = -EIO;
		number += step;
		memcpy(iv, &number, sizeof(number));
	}
	context_give(xts, encrypt, context);
	return rc;
}

/* --- CRC-32C ------------------------------------------------------------ */

static uint32_t crc_table[256];

static __attribute__((constructor)) void
crc_init(void)
{
	uint32_t crc;

	for (uint32_t i = 0; i < 256; i++) {
		crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
		crc_table[i] = crc;
	}
}

#ifdef __x86_64__
/* The processor's own instruction, of eight bytes at a time. */
static __attribute__((target("sse4.2"))) uint32_t
crc_fast(uint32_t crc, const unsigned char *at, size_t len)
{
	uint64_t wide = crc, word;

	for (; len >= 8; len -= 8, at += 8) {
		memcpy(&word, at, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	for (crc = (uint32_t)wide; len > 0; len--)
		crc = __builtin_ia32_crc32qi(crc, *at++);
	return crc;
}

static bool
is_fast(void)
{
	return __builtin_cpu_supports("sse4.2");
}
#else
static uint32_t
crc_fast(uint32_t crc, const unsigned char *at, size_t len)
{
	(void)at, (void)len;
	return crc;
}

static bool
is_fast(void)
{
	return false;
}
#endif

uint32_t
kio__crc32c(uint32_t crc, const void *data, size_t len)
{
	const unsigned char *at = data;

	crc = ~crc;
	if (is_fast())
		return ~crc_fast(crc, at, len);
	while (len-- > 0)
		crc = crc >> 8 ^ crc_table[(crc ^ *at++) & 0xff];
	return ~crc;
}
