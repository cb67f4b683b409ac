/* SPDX-License-Identifier: MIT */
/*
 * Requests as they come over the wire: parsed, checked, and their errors.
 */
#include <errno.h>

#include "base/endian.h"
#include "nbd/proto.h"
#include "nbd/server.h"

int
nbd_request_parse(struct nbd_request *request, const unsigned char *in)
{
	if (kio__get_be32(in) != NBD_REQUEST_MAGIC)
		return -EPROTO;
	request->flags = kio__get_be16(in + 4);
	request->command = kio__get_be16(in + 6);
	request->cookie = kio__get_be64(in + 8);
	request->offset = kio__get_be64(in + 16);
	request->len = kio__get_be32(in + 24);
	return 0;
}

static uint32_t
check_range(const struct nbd_request *request, const struct nbd_export *export_, uint32_t error)
{
	if (request->offset > export_->size || request->len > export_->size - request->offset)
		return error;
	return 0;
}

static unsigned
allowed_flags(const struct nbd_request *request, const struct nbd_export *export_)
{
	switch (request->command) {
	case NBD_CMD_READ:
		return NBD_CMD_FLAG_FUA |
		       ((export_->flags & NBD_FLAG_SEND_DF) != 0 ? NBD_CMD_FLAG_DF : 0);
	case NBD_CMD_WRITE_ZEROES:
		return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO;
	case NBD_CMD_BLOCK_STATUS: return NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_REQ_ONE;
	/* FUA is allowed where it means nothing */
	default: return NBD_CMD_FLAG_FUA;
	}
}

uint32_t
nbd_request_check(const struct nbd_request *request, const struct nbd_export *export_)
{
	if ((request->flags & ~allowed_flags(request, export_)) != 0)
		return NBD_EINVAL;
	switch (request->command) {
	case NBD_CMD_READ:
		if (request->len > NBD_PAYLOAD_MOST)
			return NBD_EOVERFLOW;
		return check_range(request, export_, NBD_EINVAL);
	case NBD_CMD_FLUSH:
		return request->offset == 0 && request->len == 0 ? 0 : NBD_EINVAL;
	case NBD_CMD_BLOCK_STATUS:
		if (!export_->allocation || request->len == 0)
			return NBD_EINVAL;
		return check_range(request, export_, NBD_EINVAL);
	case NBD_CMD_WRITE:
	case NBD_CMD_TRIM:
	case NBD_CMD_WRITE_ZEROES:
		break;
	default:
		return NBD_EINVAL;
	}
	if ((export_->flags & NBD_FLAG_READ_ONLY) != 0)
		return NBD_EPERM;
	if (request->command == NBD_CMD_TRIM && (export_->flags & NBD_FLAG_SEND_TRIM) == 0)
		return NBD_EINVAL;
	return check_range(request, export_,
			   request->command == NBD_CMD_TRIM ? NBD_EINVAL : NBD_ENOSPC);
}

uint32_t
nbd_request_error(const struct nbd_request *request, int status)
{
	bool writes = request->command == NBD_CMD_WRITE || request->command == NBD_CMD_WRITE_ZEROES;

	switch (-status) {
	case 0: return 0;
	case EROFS:
	case EPERM:
	case EACCES: return NBD_EPERM;
	case ENOMEM: return NBD_ENOMEM;
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return NBD_ENOSPC;
	case ERANGE: return writes ? NBD_ENOSPC : NBD_EINVAL;
	/* on the wire ENOTSUP is the answer to a fast zero, and to nothing else */
	case ENOTSUP:
	case EINVAL: return NBD_EINVAL;
	default: return NBD_EIO;
	}
}
