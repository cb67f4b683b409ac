/* SPDX-License-Identifier: MIT */
/*
 * The state of a mirror's leg: to bytes and back, and how states compare.
 */
#include "layers/mirror_state.h"

#include "base/endian.h"
#include "base/math.h"
#include "port/port.h"

#define AT_MAGIC 0u
#define AT_VERSION 8u
#define AT_LEGS 12u
#define AT_MIRROR 16u
#define AT_LEG 32u
#define AT_IN_USE 36u
#define AT_SEQUENCE 40u
#define AT_SIZE 48u
#define AT_EPOCH 56u
#define AT_HISTORY_COUNT 64u
#define AT_WITHOUT 68u
#define AT_BASE 72u
#define AT_REGION_SHIFT 80u
#define AT_RETURNING 84u
#define AT_HISTORY 88u
#define AT_IDS (AT_HISTORY + KIO__MIRROR_HISTORY * 8)
#define VERSION 2u
#define AT_CRC (KIO__MIRROR_BLOCK - 4)

_Static_assert(AT_IDS + KIO__MIRROR_LEGS * 8 <= AT_CRC, "all of it fits into the block");

static const char magic[8] = "KIOMIRRO";

void
kio__mirror_encode(const struct kio__mirror_state *state, unsigned char *block)
{
	memset(block, 0, KIO__MIRROR_BLOCK);
	memcpy(block + AT_MAGIC, magic, sizeof(magic));
	kio__put_le32(block + AT_VERSION, VERSION);
	kio__put_le32(block + AT_LEGS, state->legs);
	memcpy(block + AT_MIRROR, state->mirror, sizeof(state->mirror));
	kio__put_le32(block + AT_LEG, state->leg);
	kio__put_le32(block + AT_IN_USE, state->in_use);
	kio__put_le64(block + AT_SEQUENCE, state->sequence);
	kio__put_le64(block + AT_SIZE, state->size);
	kio__put_le64(block + AT_EPOCH, state->epoch);
	kio__put_le32(block + AT_HISTORY_COUNT, state->history_count);
	kio__put_le32(block + AT_WITHOUT, state->without);
	kio__put_le64(block + AT_BASE, state->base);
	kio__put_le32(block + AT_REGION_SHIFT, state->region_shift);
	kio__put_le32(block + AT_RETURNING, state->returning);
	for (uint32_t i = 0; i < state->history_count; i++)
		kio__put_le64(block + AT_HISTORY + i * 8, state->history[i]);
	for (uint32_t i = 0; i < KIO__MIRROR_LEGS; i++)
		kio__put_le64(block + AT_IDS + i * 8, state->ids[i]);
	kio__put_le32(block + AT_CRC, kio__crc32c(0, block, AT_CRC));
}

int
kio__mirror_decode(struct kio__mirror_state *state, const unsigned char *block)
{
	if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) != 0)
		return -ENODATA;
	if (kio__get_le32(block + AT_CRC) != kio__crc32c(0, block, AT_CRC))
		return -EIO;
	if (kio__get_le32(block + AT_VERSION) != VERSION)
		return -ENOTSUP;
	state->legs = kio__get_le32(block + AT_LEGS);
	memcpy(state->mirror, block + AT_MIRROR, sizeof(state->mirror));
	state->leg = kio__get_le32(block + AT_LEG);
	state->in_use = kio__get_le32(block + AT_IN_USE) != 0;
	state->sequence = kio__get_le64(block + AT_SEQUENCE);
	state->size = kio__get_le64(block + AT_SIZE);
	state->epoch = kio__get_le64(block + AT_EPOCH);
	state->history_count = kio__get_le32(block + AT_HISTORY_COUNT);
	state->without = kio__get_le32(block + AT_WITHOUT);
	state->base = kio__get_le64(block + AT_BASE);
	state->region_shift = kio__get_le32(block + AT_REGION_SHIFT);
	state->returning = kio__get_le32(block + AT_RETURNING);
	if (state->history_count > KIO__MIRROR_HISTORY || state->legs > KIO__MIRROR_LEGS ||
	    state->leg >= state->legs || state->region_shift < KIO__MIRROR_LEAST_SHIFT ||
	    state->region_shift > 62)
		return -EIO;
	for (uint32_t i = 0; i < state->history_count; i++)
		state->history[i] = kio__get_le64(block + AT_HISTORY + i * 8);
	for (uint32_t i = 0; i < KIO__MIRROR_LEGS; i++)
		state->ids[i] = kio__get_le64(block + AT_IDS + i * 8);
	return 0;
}

int
kio__mirror_choose(struct kio__mirror_state *state, const unsigned char *area)
{
	struct kio__mirror_state *second = kio__alloc(sizeof(*second));
	int first_rc, second_rc;

	if (second == NULL)
		return -ENOMEM;
	first_rc = kio__mirror_decode(state, area);
	state->copy = 0;
	second_rc = kio__mirror_decode(second, area + KIO__MIRROR_BLOCK);
	if (second_rc == 0 && (first_rc < 0 || second->sequence > state->sequence)) {
		*state = *second;
		state->copy = 1;
		first_rc = 0;
	}
	kio__free(second);
	/* one that is damaged says more than one that is not there */
	return first_rc == -ENODATA && second_rc != 0 ? second_rc : first_rc;
}

void
kio__mirror_leave_behind(struct kio__mirror_state *state, uint64_t epoch)
{
	uint32_t kept = state->history_count;

	if (kept == KIO__MIRROR_HISTORY)
		kept--;
	memmove(state->history + 1, state->history, kept * sizeof(state->history[0]));
	state->history[0] = epoch;
	state->history_count = kept + 1;
}

void
kio__mirror_advance(struct kio__mirror_state *state, uint64_t epoch)
{
	kio__mirror_leave_behind(state, state->epoch);
	state->epoch = epoch;
}

bool
kio__mirror_has_seen(const struct kio__mirror_state *state, uint64_t epoch)
{
	for (uint32_t i = 0; i < state->history_count; i++) {
		if (state->history[i] == epoch)
			return true;
	}
	return false;
}

bool
kio__mirror_covers(const struct kio__mirror_state *state, uint64_t epoch)
{
	if (epoch == state->epoch)
		return true;
	if (state->base == 0 || state->base == state->epoch)
		return false;
	for (uint32_t i = 0; i < state->history_count; i++) {
		if (state->history[i] == epoch)
			return true;
		if (state->history[i] == state->base)
			return false;
	}
	return false;
}
