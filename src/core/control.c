/* SPDX-License-Identifier: MIT */
/*
 * Control: layers found by name, how they are, what they are asked to do, and
 * what they tell of themselves unasked.
 */
#include <stdarg.h>

#include <kiobuf/control.h>
#include <kiobuf/layer.h>

#include "core/format.h"
#include "core/frame.h"
#include "core/stack.h"

/* --- health ------------------------------------------------------------- */

const char *
kio_health_name(enum kio_health health)
{
	static const char *const names[] = { "ok", "degraded", "failed" };

	return names[health];
}

static enum kio_health
worse(enum kio_health a, enum kio_health b)
{
	return a > b ? a : b;
}

static enum kio_health
own_health(const struct kio_layer *layer)
{
	if (kio_leg_absent(layer))
		return KIO_HEALTH_FAILED;
	return layer->class_->health != NULL ? layer->class_->health(layer) : KIO_HEALTH_OK;
}

static unsigned
leg_number(const struct kio_layer *leg)
{
	unsigned i = 0;

	while (leg->above->legs[i] != leg)
		i++;
	return i;
}

/* As the layer above sees it. */
static enum kio_health
seen_health(const struct kio_layer *leg, char *text, size_t size)
{
	const struct kio_layer *above = leg->above;

	if (above == NULL || kio_leg_absent(above) || above->class_->leg_health == NULL)
		return KIO_HEALTH_OK;
	return above->class_->leg_health(above, leg_number(leg), text, size);
}

enum kio_health
kio_layer_health(const struct kio_layer *layer, char *text, size_t size)
{
	if (size > 0)
		text[0] = '\0';
	return worse(seen_health(layer, text, size), own_health(layer));
}

enum kio_health
kio_stack_health(const struct kio_stack *stack)
{
	enum kio_health whole = KIO_HEALTH_OK;

	/*
	 * Whoever judges its legs says itself what a bad one means, and what is
	 * below it makes the whole no worse than degraded.
	 */
	for (unsigned i = 0; i < stack->layer_count; i++) {
		const struct kio_layer *layer = stack->layers[i];
		enum kio_health health = own_health(layer);

		for (; layer->above != NULL; layer = layer->above) {
			if (layer->above->class_->health != NULL && health == KIO_HEALTH_FAILED)
				health = KIO_HEALTH_DEGRADED;
		}
		whole = worse(whole, health);
	}
	return whole;
}

bool
kio_layer_progress(const struct kio_layer *layer, struct kio_progress *progress)
{
	return !kio_leg_absent(layer) && layer->class_->progress != NULL &&
	       layer->class_->progress(layer, progress);
}

/* --- reports ------------------------------------------------------------ */

void
kio_report_text(struct kio_report *report, const char *key, const char *format, ...)
{
	char text[256];
	va_list args;

	if (report == NULL)
		return;
	va_start(args, format);
	kio__format_args(text, sizeof(text), format, args);
	va_end(args);
	report->text(report, key, text);
}

void
kio_report_number(struct kio_report *report, const char *key, uint64_t value)
{
	if (report != NULL)
		report->number(report, key, value);
}

/* --- operations --------------------------------------------------------- */

const struct kio_layer *
kio_control_find(const struct kio_stack *stack, const char *name)
{
	for (unsigned i = 0; i < stack->layer_count; i++) {
		if (strcmp(stack->layers[i]->name, name) == 0)
			return stack->layers[i];
	}
	return NULL;
}

int
kio__control_begin(struct kio_stack *stack, struct kio_diag *diag)
{
	if (__atomic_exchange_n(&stack->controlled, true, __ATOMIC_ACQUIRE))
		return kio_refuse(diag, -EBUSY, "the stack is busy with what it was asked before");
	return 0;
}

void
kio__control_end(struct kio_stack *stack)
{
	__atomic_store_n(&stack->controlled, false, __ATOMIC_RELEASE);
}

static const struct kio_operation *
find_operation(const struct kio_layer *layer, const char *name, bool of_leg)
{
	const struct kio_operation *operation = layer != NULL ? layer->class_->operations : NULL;

	for (; operation != NULL && operation->name != NULL; operation++) {
		if (operation->of_leg == of_leg && strcmp(operation->name, name) == 0)
			return operation;
	}
	return NULL;
}

static int
run_operation(const struct kio_operation *operation, struct kio_layer *layer, unsigned leg,
	      unsigned count, const char *const *args, struct kio_report *report,
	      struct kio_diag *diag)
{
	int rc;

	if (count < operation->least || count > operation->most)
		return kio_refuse(diag, -EINVAL, "%s takes %s %s", operation->name,
				  operation->of_leg ? "a leg and" : "a layer and",
				  operation->arguments != NULL ? operation->arguments : "nothing else");
	rc = operation->run(layer, leg, count, args, report, diag);
	if (rc < 0 && diag != NULL && diag->text[0] == '\0')
		kio_refuse(diag, rc, "%s: %s: %e", layer->name, operation->name, rc);
	return rc;
}

int
kio_control_operate(struct kio_stack *stack, const char *name, const char *at, unsigned count,
		    const char *const *args, struct kio_report *report, struct kio_diag *diag)
{
	struct kio_layer *layer = (struct kio_layer *)(uintptr_t)kio_control_find(stack, at);
	const struct kio_operation *operation;
	int rc;

	if (diag != NULL)
		*diag = (struct kio_diag){ 0 };
	if (layer == NULL)
		return kio_refuse(diag, -ENOENT, "there is no layer %s", at);
	rc = kio__control_begin(stack, diag);
	if (rc < 0)
		return rc;
	operation = find_operation(layer, name, false);
	if (operation != NULL) {
		rc = kio_leg_absent(layer) ?
			     kio_refuse(diag, -ENODEV, "%s is not there", at) :
			     run_operation(operation, layer, 0, count, args, report, diag);
	} else if ((operation = find_operation(layer->above, name, true)) != NULL) {
		rc = run_operation(operation, layer->above, leg_number(layer), count, args, report, diag);
	} else {
		rc = kio_refuse(diag, -ENOTSUP, "%s does not know how to %s", at, name);
	}
	kio__control_end(stack);
	return rc;
}

/* --- notices ------------------------------------------------------------ */

void
kio_notice(const struct kio_layer *layer, enum kio_health health, const char *repair,
	   const char *format, ...)
{
	const struct kio_stack_options *options = &layer->stack->options;
	enum kio_severity severity = health == KIO_HEALTH_OK	   ? KIO_INFO :
				     health == KIO_HEALTH_DEGRADED ? KIO_WARNING :
								     KIO_ERROR;
	char text[256];
	struct kio_notice notice = { layer, health, text, repair };
	va_list args;

	va_start(args, format);
	kio__format_args(text, sizeof(text), format, args);
	va_end(args);
	if (repair != NULL && options->control != NULL)
		kio_log(layer, severity, "%s; to repair it: kiobuf ctl %q %s", text, options->control,
			repair);
	else
		kio_log(layer, severity, "%s", text);
	if (options->notice != NULL)
		options->notice(options->notice_priv, &notice);
}
