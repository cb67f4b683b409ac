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

struct nbd_slot *
nbd_slot_take(struct nbd_connection *connection, const struct nbd_request *request)
{
	struct nbd_slot *slot = connection->free;

	connection->free = slot->next;
	slot->request = *request;
	slot->flushing = false;
	connection->bytes += request->len;
	return slot;
}

bool
nbd_slot_memory(struct nbd_slot *slot, size_t len)
{
	struct nbd_memory *memory = slot->memory;

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

	connection->bytes -= slot->request.len;
	if (slot->memory != NULL && slot->memory->mem.size > KEPT) {
		memory_free(slot->memory);
		slot->memory = NULL;
	}
	slot->next = connection->free;
	connection->free = slot;
}

void
nbd_slot_reply(struct nbd_slot *slot, uint32_t error)
{
	slot->error = error;
	slot->connection->server->counts.errors += error != 0;
	kio__put_be32(slot->head, NBD_SIMPLE_REPLY_MAGIC);
	kio__put_be32(slot->head + 4, error);
	kio__put_be64(slot->head + 8, slot->request.cookie);
	kio__queue_push(&slot->connection->replies, slot);
}

/* --- through the stack -------------------------------------------------- */

static void
request_done(struct kio *kio)
{
	struct nbd_slot *slot = kio->priv;
	struct nbd_connection *connection = slot->connection;
	struct nbd_server_counts *counts = &connection->server->counts;
	int status = kio_status(kio);

	take_back(slot);
	if (status == 0 && slot->request.command == NBD_CMD_TRIM && !slot->flushing &&
	    (slot->request.flags & NBD_CMD_FLAG_FUA) != 0) {
		/* a discard knows no FUA: what it did is made durable by a flush */
		slot->flushing = true;
		kio_flush_all(kio, request_done);
		return;
	}
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
