/* SPDX-License-Identifier: MIT */
/* The state of a mirror's leg, as it is read from a disk. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "layers/mirror_state.h"
#include "port/port.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kio__mirror_state state;
	static unsigned char area[KIO__MIRROR_AREA], block[KIO__MIRROR_BLOCK];

	memset(area, 0, sizeof(area));
	memcpy(area, data, size < sizeof(area) ? size : sizeof(area));
	/* a checksum is no guard against who means it: every second input has the right one */
	if (size % 2 == 0)
		kio__put_le32(area + KIO__MIRROR_BLOCK - 4, kio__crc32c(0, area, KIO__MIRROR_BLOCK - 4));
	if (kio__mirror_choose(&state, area) == 0) {
		kio__mirror_has_seen(&state, 1);
		kio__mirror_advance(&state, 2);
		kio__mirror_encode(&state, block);
		if (kio__mirror_decode(&state, block) < 0)
			abort();
	}
	return 0;
}
