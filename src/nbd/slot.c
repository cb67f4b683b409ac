/* SPDX-License-Identifier: MIT */
/*
 * Slots: a container and memory for one request, from its head to its reply.
 *
 *   free --> taken --> (payload) --> in the stack --> queue of replies --> free
 *
 * A slot keeps its memory from one request to the next, unless it is large.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/endian.h"
#include "base/math.h"
#include "nbd/connection.h"

#define KEPT ((size_t)1 << 20)
#define EXTENTS_MOST 512u
#define EXTENT_BYTES 8u

/* Where a slot's memory is: with the stack, with the slot, or left to the stack for good. */
enum { MEMORY_OUT, MEMORY_HOME, MEMORY_LEFT };

static void
memory_free(struct nbd_memory *memory)
{
	if (memory != NULL)
		free(memory->mem.base);
	free(memory);
}

int
nbd_slots_open(struct nbd_connection *connection)
{
	for (unsigned i = 0; i < NBD_SLOTS; i++) {
		struct nbd_slot *slot = &connection->slots[i];

		slot->connection = connection;
		slot->kio = kio_create(connection->server->channel, 1);
		if (slot->kio == NULL)
			return -ENOMEM;
		slot->kio->priv = slot;
		slot->next = connection->free;
		connection->free = slot;
	}
	return 0;
}

void
nbd_slots_close(struct nbd_connection *connection)
{
	for (unsigned i = 0; i < NBD_SLOTS; i++) {
		kio_destroy(connection->slots[i].kio);
		memory_free(connection->slots[i].memory);
	}
}

static size_t
memory_needed(const struct nbd_request *request)
{
	switch (request->command) {
	case NBD_CMD_READ:
	case NBD_CMD_WRITE: return request->len;
	case NBD_CMD_BLOCK_STATUS: return EXTENTS_MOST * EXTENT_BYTES;
	default: return 0;
	}
}

struct nbd_slot *
nbd_slot_take(struct nbd_connection *connection, const struct nbd_request *request)
{
	struct nbd_slot *slot = connection->free;

	connection->free = slot->next;
	slot->request = *request;
	slot->flushing = false;
	slot->extents = 0;
	slot->described = 0;
	connection->bytes += memory_needed(request);
	return slot;
}

bool
nbd_slot_memory(struct nbd_slot *slot)
{
	struct nbd_memory *memory = slot->memory;
	size_t len = memory_needed(&slot->request);

	if (len == 0 || (memory != NULL && memory->mem.size >= len))
		return true;
	memory_free(memory);
	slot->memory = memory = calloc(1, sizeof(*memory));
	if (memory == NULL)
		return false;
	memory->mem.size = kio__align_up(len, 4096);
	memory->mem.base = aligned_alloc(4096, memory->mem.size);
	if (memory->mem.base != NULL)
		return true;
	memory_free(memory);
	slot->memory = NULL;
	return false;
}

/* Any thread. */
static void
memory_released(struct kio_mem *mem)
{
	struct nbd_memory *memory = kio_container_of(mem, struct nbd_memory, mem);

	if (__atomic_exchange_n(&memory->place, MEMORY_HOME, __ATOMIC_ACQ_REL) == MEMORY_LEFT)
		memory_free(memory);
}

/* The stack's from here on; see struct nbd_memory. */
static struct kio_iter
give_away(struct nbd_slot *slot)
{
	struct nbd_memory *memory = slot->memory;
	struct kio_iter data;

	if (slot->request.len == 0)
		return kio_iter_none(0);
	kio_mem_init(&memory->mem, memory->mem.base, memory->mem.size, memory_released);
	memory->place = MEMORY_OUT;
	data = kio_buf(slot->kio, memory->mem.base, slot->request.len);
	slot->kio->chain.segs[0].mem = &memory->mem;
	return data;
}

static void
take_back(struct nbd_slot *slot)
{
	if (slot->request.command != NBD_CMD_WRITE || slot->request.len == 0)
		return;
	if (__atomic_exchange_n(&slot->memory->place, MEMORY_LEFT, __ATOMIC_ACQ_REL) == MEMORY_OUT)
		slot->memory = NULL;
}

void
nbd_slot_give(struct nbd_slot *slot)
{
	struct nbd_connection *connection = slot->connection;

	connection->bytes -= memory_needed(&slot->request);
	if (slot->memory != NULL && slot->memory->mem.size > KEPT) {
		memory_free(slot->memory);
		slot->memory = NULL;
	}
	slot->next = connection->free;
	connection->free = slot;
}

/* --- replies ------------------------------------------------------------ */

static void
simple_reply(struct nbd_slot *slot, uint32_t error)
{
	bool data = slot->request.command == NBD_CMD_READ && error == 0;

	kio__put_be32(slot->head, NBD_SIMPLE_REPLY_MAGIC);
	kio__put_be32(slot->head + 4, error);
	kio__put_be64(slot->head + 8, slot->request.cookie);
	slot->head_len = NBD_REPLY_BYTES;
	slot->data_len = data ? slot->request.len : 0;
}

/* extra: bytes behind the common head, which the caller fills. */
static unsigned char *
chunk(struct nbd_slot *slot, uint16_t type, uint32_t extra, uint32_t data_len)
{
	kio__put_be32(slot->head, NBD_STRUCTURED_REPLY_MAGIC);
	kio__put_be16(slot->head + 4, NBD_REPLY_FLAG_DONE);
	kio__put_be16(slot->head + 6, type);
	kio__put_be64(slot->head + 8, slot->request.cookie);
	kio__put_be32(slot->head + 16, extra + data_len);
	slot->head_len = NBD_CHUNK_BYTES + extra;
	slot->data_len = data_len;
	return slot->head + NBD_CHUNK_BYTES;
}

/* One chunk says it all: what the stack read came as a whole. */
static void
structured_reply(struct nbd_slot *slot, uint32_t error)
{
	unsigned char *extra;

	if (error != 0) {
		extra = chunk(slot, NBD_REPLY_TYPE_ERROR, 6, 0);
		kio__put_be32(extra, error);
		kio__put_be16(extra + 4, 0);
	} else if (slot->request.command == NBD_CMD_BLOCK_STATUS) {
		extra = chunk(slot, NBD_REPLY_TYPE_BLOCK_STATUS, 4, slot->extents * EXTENT_BYTES);
		kio__put_be32(extra, NBD_ALLOCATION_ID);
	} else if (slot->request.len == 0) {
		chunk(slot, NBD_REPLY_TYPE_NONE, 0, 0);
	} else {
		extra = chunk(slot, NBD_REPLY_TYPE_OFFSET_DATA, 8, slot->request.len);
		kio__put_be64(extra, slot->request.offset);
	}
}

void
nbd_slot_reply(struct nbd_slot *slot, uint32_t error)
{
	struct nbd_connection *connection = slot->connection;
	uint16_t command = slot->request.command;

	connection->counts.errors += error != 0;
	if (connection->handshake.structured &&
	    (command == NBD_CMD_READ || command == NBD_CMD_BLOCK_STATUS))
		structured_reply(slot, error);
	else
		simple_reply(slot, error);
	kio__queue_push(&connection->replies, slot);
}

/* --- through the stack -------------------------------------------------- */

static void request_done(struct kio *kio);

static void
ask_extent(struct nbd_slot *slot)
{
	const struct nbd_request *request = &slot->request;

	kio_extent(slot->kio, request->offset + slot->described, request->len - slot->described,
		   request_done);
}

/* Notes an extent; true: there is more to ask for. Neighbours that are alike become one. */
static bool
add_extent(struct nbd_slot *slot)
{
	unsigned char *next = (unsigned char *)slot->memory->mem.base + slot->extents * EXTENT_BYTES;
	unsigned char *last = slot->extents != 0 ? next - EXTENT_BYTES : NULL;
	uint32_t len = (uint32_t)slot->kio->extent_len, state = 0;

	if ((slot->kio->extent_flags & KIO_EXTENT_HOLE) != 0)
		state |= NBD_STATE_HOLE;
	if ((slot->kio->extent_flags & KIO_EXTENT_ZERO) != 0)
		state |= NBD_STATE_ZERO;
	if (last != NULL && kio__get_be32(last + 4) == state) {
		kio__put_be32(last, kio__get_be32(last) + len);
	} else {
		if (last != NULL && (slot->request.flags & NBD_CMD_FLAG_REQ_ONE) != 0)
			return false;
		kio__put_be32(next, len);
		kio__put_be32(next + 4, state);
		slot->extents++;
	}
	slot->described += len;
	return slot->described < slot->request.len && slot->extents < EXTENTS_MOST;
}

/* What has come out of the stack is not the end of it: another operation was started. */
static bool
goes_on(struct nbd_slot *slot)
{
	const struct nbd_request *request = &slot->request;

	if (request->command == NBD_CMD_BLOCK_STATUS && add_extent(slot)) {
		ask_extent(slot);
		return true;
	}
	if (request->command == NBD_CMD_TRIM && (request->flags & NBD_CMD_FLAG_FUA) != 0 &&
	    !slot->flushing) {
		/* a discard knows no FUA: what it did is made durable by a flush */
		slot->flushing = true;
		kio_flush_all(slot->kio, request_done);
		return true;
	}
	return false;
}

static void
request_done(struct kio *kio)
{
	struct nbd_slot *slot = kio->priv;
	struct nbd_connection *connection = slot->connection;
	struct nbd_counts *counts = &connection->counts;
	int status = kio_status(kio);

	take_back(slot);
	if (status == 0 && goes_on(slot))
		return;
	connection->in_flight--;
	if (status == 0 && slot->request.command == NBD_CMD_READ)
		counts->read_bytes += slot->request.len;
	else if (status == 0 && slot->request.command == NBD_CMD_WRITE)
		counts->written_bytes += slot->request.len;
	nbd_slot_reply(slot, nbd_request_error(&slot->request, status));
	if (connection->ended)
		nbd_connection_unused(connection);
	else
		nbd_connection_turn(connection);
}

void
nbd_slot_submit(struct nbd_slot *slot)
{
	const struct nbd_request *request = &slot->request;
	unsigned flags = (request->flags & NBD_CMD_FLAG_FUA) != 0 ? KIO_FUA : 0;
	struct kio_iter data = kio_iter_none(0);
	struct kio *kio = slot->kio;

	slot->connection->in_flight++;
	switch (request->command) {
	case NBD_CMD_READ:
		if (request->len != 0)
			data = kio_buf(kio, slot->memory->mem.base, request->len);
		kio_read(kio, request->offset, data, request_done);
		break;
	case NBD_CMD_WRITE:
		kio_write(kio, request->offset, give_away(slot), flags, request_done);
		break;
	case NBD_CMD_BLOCK_STATUS:
		ask_extent(slot);
		break;
	case NBD_CMD_TRIM:
		kio_clear(kio, KIO_DISCARD, request->offset, request->len, 0, request_done);
		break;
	case NBD_CMD_WRITE_ZEROES:
		if ((request->flags & NBD_CMD_FLAG_NO_HOLE) != 0)
			flags |= KIO_NO_UNMAP;
		kio_clear(kio, KIO_WRITE_ZEROES, request->offset, request->len, flags, request_done);
		break;
	default:
		kio_flush_all(kio, request_done);
		break;
	}
}
