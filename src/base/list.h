/* SPDX-License-Identifier: MIT */
#ifndef BASE_LIST_H
#define BASE_LIST_H

/* A queue of anything that begins with a pointer to its next. */

#include <stdbool.h>
#include <stddef.h>

struct kio__link {
	struct kio__link *next;
};

struct kio__queue {
	struct kio__link *head;
	struct kio__link **tail;
};

static inline void
kio__queue_init(struct kio__queue *queue)
{
	queue->head = NULL;
	queue->tail = &queue->head;
}

static inline bool
kio__queue_empty(const struct kio__queue *queue)
{
	return queue->head == NULL;
}

/* item points at its next pointer, which is its first field. */
static inline void
kio__queue_push(struct kio__queue *queue, void *item)
{
	struct kio__link *link = item;

	link->next = NULL;
	*queue->tail = link;
	queue->tail = &link->next;
}

/* NULL: empty. */
static inline void *
kio__queue_pop(struct kio__queue *queue)
{
	struct kio__link *link = queue->head;

	if (link == NULL)
		return NULL;
	queue->head = link->next;
	if (queue->head == NULL)
		queue->tail = &queue->head;
	return link;
}

/* False: it is not in the queue. */
static inline bool
kio__queue_remove(struct kio__queue *queue, void *item)
{
	struct kio__link **at = &queue->head;

	while (*at != NULL && *at != item)
		at = &(*at)->next;
	if (*at == NULL)
		return false;
	*at = (*at)->next;
	if (*at == NULL)
		queue->tail = at;
	return true;
}

#endif
