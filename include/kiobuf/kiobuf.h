/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_KIOBUF_H
#define KIOBUF_KIOBUF_H

/*
 * All that an application needs, in reading order. Authors of layers include
 * <kiobuf/layer.h> too, programs that handle stack texts <kiobuf/tree.h>.
 */

#include <kiobuf/base.h>
#include <kiobuf/mem.h>
#include <kiobuf/chain.h>
#include <kiobuf/event.h>
#include <kiobuf/group.h>
#include <kiobuf/ready.h>
#include <kiobuf/op.h>
#include <kiobuf/loop.h>
#include <kiobuf/source.h>
#include <kiobuf/kio.h>
#include <kiobuf/pieces.h>
#include <kiobuf/stack.h>
#include <kiobuf/control.h>

KIO_BEGIN

/* "0.1.0" */
KIO_PUBLIC const char *kio_version(void);

KIO_END

#endif
