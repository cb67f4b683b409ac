/* SPDX-License-Identifier: MIT */
/*
 * The classes that are known: those built in, those a program registers, and
 * those of modules, which are looked for when a name is not known.
 */
#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"
#include "stack/options.h"

#ifndef KIO__MODULE_DIR
#define KIO__MODULE_DIR "/usr/local/lib/kiobuf"
#endif

struct known {
	struct known *next; /* in the order of their names */
	const struct kio_class *class_;
};

#define KIO__BUILTIN(name) extern const struct kio_class kio_class_##name;
#include "layers/layers.def"
#undef KIO__BUILTIN

static const struct kio_class *const builtin[] = {
#define KIO__BUILTIN(name) &kio_class_##name,
#include "layers/layers.def"
#undef KIO__BUILTIN
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct known *all;
static struct known builtin_known[sizeof(builtin) / sizeof(builtin[0])];

static void
insert(struct known *known)
{
	struct known **at = &all;

	while (*at != NULL && strcmp((*at)->class_->name, known->class_->name) < 0)
		at = &(*at)->next;
	known->next = *at;
	*at = known;
}

/* With the mutex held. */
static void
ready(void)
{
	if (all != NULL)
		return;
	for (size_t i = 0; i < KIO__COUNT(builtin); i++) {
		builtin_known[i].class_ = builtin[i];
		insert(&builtin_known[i]);
	}
}

static const struct kio_class *
find(const char *name)
{
	ready();
	for (const struct known *known = all; known != NULL; known = known->next) {
		if (strcmp(known->class_->name, name) == 0)
			return known->class_;
	}
	return NULL;
}

static const struct kio_class *
find_known(const char *name)
{
	const struct kio_class *found;

	pthread_mutex_lock(&mutex);
	found = find(name);
	pthread_mutex_unlock(&mutex);
	return found;
}

static bool
is_of_this_version(const struct kio_class *class_)
{
	return class_->abi == KIO_LAYER_ABI && class_->struct_size == sizeof(*class_);
}

static bool
is_sound(const struct kio_class *class_)
{
	unsigned options = 0;

	if (!is_of_this_version(class_) || class_->name == NULL || class_->summary == NULL ||
	    strcmp(class_->name, "use") == 0 || class_->size < sizeof(struct kio_layer) ||
	    class_->min_legs > class_->max_legs ||
	    (class_->max_legs == 0 && class_->submit == NULL))
		return false;
	for (const struct kio_opt *opt = class_->opts; opt != NULL && opt->name != NULL; opt++) {
		/* a secret is never a bare word, and neither is a stack */
		if ((opt->flags & KIO_OPT_MAIN) != 0 &&
		    (opt->type == KIO_TYPE_SECRET || opt->type == KIO_TYPE_STACK))
			return false;
		/* what is not one word cannot be changed under those who read it */
		if ((opt->flags & KIO_OPT_CHANGEABLE) != 0 &&
		    (opt->type == KIO_TYPE_STRING || opt->type == KIO_TYPE_SECRET ||
		     opt->type == KIO_TYPE_STACK))
			return false;
		if ((opt->flags & KIO_OPT_LEG) != 0 && opt->type != KIO_TYPE_STACK)
			return false;
		options++;
	}
	if ((class_->bits & KIO_SHARES_BASE) != 0 && class_->min_legs == 0)
		return false;
	return options <= KIO__OPTIONS_MOST;
}

int
kio_class_register(const struct kio_class *class_)
{
	struct known *known;
	int rc = 0;

	if (!is_sound(class_))
		return -EINVAL;
	pthread_mutex_lock(&mutex);
	if (find(class_->name) != NULL) {
		rc = -EEXIST;
	} else {
		known = kio__alloc(sizeof(*known));
		rc = known == NULL ? -ENOMEM : 0;
		if (known != NULL) {
			known->class_ = class_;
			insert(known);
		}
	}
	pthread_mutex_unlock(&mutex);
	return rc;
}

static __attribute__((destructor)) void
forget(void)
{
	struct known *known, *next;

	for (known = all; known != NULL; known = next) {
		next = known->next;
		if (known < builtin_known || known >= builtin_known + KIO__COUNT(builtin))
			kio__free(known);
	}
	all = NULL;
}

/* --- modules ------------------------------------------------------------ */

static int
register_from(const char *path, const struct kio_class *class_, struct kio_diag *diag)
{
	int rc = kio_class_register(class_);

	if (rc == 0 || (rc == -EEXIST && find_known(class_->name) == class_))
		return 0; /* perhaps it was loaded before */
	if (rc == -EEXIST)
		return kio_refuse(diag, rc, "%s brings a class '%s', and there is one already", path,
				  class_->name);
	if (rc == -ENOMEM)
		return kio_refuse(diag, rc, "%s cannot be loaded: %e", path, rc);
	if (!is_of_this_version(class_))
		return kio_refuse(diag, rc,
				  "%s was made for another version of the library (its class: %u, here: %u)",
				  path, class_->abi, KIO_LAYER_ABI);
	return kio_refuse(diag, rc, "%s has a class that breaks the contract of kiobuf/layer.h", path);
}

int
kio_module_load(const char *path, struct kio_diag *diag)
{
	/* never unloaded: a class may be in use for as long as the process lives */
	void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	const struct kio_class *const *classes;
	int rc = 0;

	if (module == NULL)
		return kio_refuse(diag, -ENOENT, "%s cannot be loaded: %s", path, dlerror());
	classes = dlsym(module, "kio_module_classes");
	if (classes == NULL)
		rc = kio_refuse(diag, -EINVAL, "%s has no kio_module_classes", path);
	for (; rc == 0 && *classes != NULL; classes++)
		rc = register_from(path, *classes, diag);
	dlclose(module);
	return rc;
}

static void
look_for(const char *name, struct kio_diag *diag)
{
	const char *folders[] = { secure_getenv("KIOBUF_MODULES"), KIO__MODULE_DIR };
	char path[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return;
	for (size_t i = 0; i < KIO__COUNT(folders); i++) {
		if (folders[i] == NULL ||
		    kio_format(path, sizeof(path), "%s/kiobuf-%s.so", folders[i], name) >= sizeof(path))
			continue;
		if (access(path, F_OK) == 0) {
			kio_module_load(path, diag);
			return;
		}
	}
}

const struct kio_class *
kio__class_find(const char *name, struct kio_diag *diag)
{
	const struct kio_class *found = find_known(name);

	if (found != NULL)
		return found;
	look_for(name, diag);
	return find_known(name);
}

const struct kio_class *
kio_class_find(const char *name)
{
	return kio__class_find(name, NULL);
}

const struct kio_class *
kio_class_next(const struct kio_class *class_)
{
	const struct known *known;

	pthread_mutex_lock(&mutex);
	ready();
	known = all;
	while (class_ != NULL && known != NULL && known->class_ != class_)
		known = known->next;
	if (class_ != NULL && known != NULL)
		known = known->next;
	pthread_mutex_unlock(&mutex);
	return known != NULL ? known->class_ : NULL;
}
