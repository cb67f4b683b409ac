/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CONFORMANCE_H
#define TESTS_CONFORMANCE_H

/*
 * What every layer and driver has to do alike, tried on each that is registered.
 *
 * A check gets one subject after the other: a class and a stack with that class
 * at its top, above drivers `trace` that note, fail and hold what they are told to.
 * Stacks are made from the class's shape, or named in subjects.c.
 */

#include "unit/trace.h"

#define DEVICE (64u << 10)	/* of a driver's bytes */
#define LEGS_MOST 3u
#define SPAN (24u << 10)	/* of most requests here */

struct subject {
	const struct kio_class *class_;
	const char *engine;
	char text[400];
	unsigned drivers; /* `trace`, with the numbers from 1 */
	bool created;     /* needs metadata */
	bool forgets;     /* keeps no data */
	bool survives;    /* one error below need not be seen above */

	struct rig rig; /* while it is open */
	const struct kio_limits *limits;
	unsigned done; /* completions of rig.kio */
	enum kio_op op; /* the latest request, as the next two */
	uint64_t offset, len;
};

/* Calls check for each, closed. A class of which no stack opens is a failure. */
void each_subject(void (*check)(struct subject *subject));
/* The device below is all zeroes. False: it does not open, which has been told. */
bool subject_open(struct subject *subject, unsigned reserve);
void subject_close(struct subject *subject);

/* --- requests.c ----------------------------------------------------------- */

/* What the device should hold. */
extern unsigned char model[DEVICE * LEGS_MOST];
extern unsigned char buffer[DEVICE * LEGS_MOST];

/* Deterministic; the same for each run. */
unsigned draw(unsigned below);
/* Starts it on rig.kio, in one piece of memory; none for flush, discard and the like. */
void begin(struct subject *subject, enum kio_op op, unsigned flags, uint64_t offset, void *memory,
	   uint64_t len);
/* The status, when it is done; aborts when it does not end. */
int end(struct subject *subject);
/* Both. */
int run(struct subject *subject, enum kio_op op, unsigned flags, uint64_t offset, void *memory,
	uint64_t len);
/* All of the device and of the model get a pattern; one that is read only is read. */
void fill(struct subject *subject, unsigned seed);
/* The whole device is as the model; where: for the message. */
void compare(struct subject *subject, const char *where);
/* len, in whole blocks. */
uint64_t blocks(const struct subject *subject, uint64_t len);
/* Its drivers are `trace`. */
bool is_traced(const struct subject *subject);

/* Says which class, stack and case it is. */
void expect(const struct subject *subject, bool good, const char *file, int line, const char *text,
	    const char *format, ...) __attribute__((format(printf, 6, 7)));

#define EXPECT(subject, condition, ...) \
	expect((subject), (condition), __FILE__, __LINE__, #condition, __VA_ARGS__)

#endif
