/* SPDX-License-Identifier: MIT */
#ifndef CORE_ATOMIC_H
#define CORE_ATOMIC_H

/*
 * Every access of events and groups to a word that another thread may write
 * goes through these, with its order spelled out. So the same source can be
 * compiled against something that explores schedules and holds back stores.
 */

#include "port/port.h"

#ifndef kio__load
#define kio__load(ptr, order) __atomic_load_n((ptr), __ATOMIC_##order)
#define kio__store(ptr, value, order) __atomic_store_n((ptr), (value), __ATOMIC_##order)
#define kio__xchg(ptr, value, order) __atomic_exchange_n((ptr), (value), __ATOMIC_##order)
/* *was is what was found, if that was something else. */
#define kio__cas(ptr, was, value, order, failed)                                         \
	__atomic_compare_exchange_n((ptr), (was), (value), false, __ATOMIC_##order, \
				    __ATOMIC_##failed)
/* The sum; what was there before. */
#define kio__add(ptr, value, order) __atomic_add_fetch((ptr), (value), __ATOMIC_##order)
#define kio__or(ptr, bits, order) __atomic_fetch_or((ptr), (bits), __ATOMIC_##order)
/* Another thread is about to do the little that is waited for. */
#define kio__relax() kio__yield()
#if defined(__x86_64__)
#define kio__pause() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define kio__pause() __asm__ volatile("isb")
#else
#define kio__pause() ((void)0)
#endif
#endif

#endif
