# SPDX-License-Identifier: MIT
# The short names for what Meson does. `make deps` says what is missing; it
# installs by itself as root, in CI, or with DEPS=yes.

BUILD = build
MESON_ARGS =

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@meson setup $(BUILD) $(MESON_ARGS)

deps:
	@tools/deps.sh

demo: deps all
	@tools/demo.sh $(BUILD)/kiobuf

check: deps all
	@tests/run $(BUILD)

bench: all
	@$(BUILD)/kiobuf bench --suite core
	@$(BUILD)/kiobuf bench --suite events
	@$(BUILD)/kiobuf bench --suite file --path $(BUILD)/bench.file

install: all
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild

asan:
	@$(MAKE) --no-print-directory check BUILD=build-asan \
		MESON_ARGS="-Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1"

tsan:
	@$(MAKE) --no-print-directory check BUILD=build-tsan \
		MESON_ARGS="-Db_sanitize=thread -Db_lundef=false -Doptimization=1"

clean:
	@rm -rf build build-*

.PHONY: all deps demo check bench install asan tsan clean
