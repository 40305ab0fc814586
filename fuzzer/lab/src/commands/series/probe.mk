# Prints what Kbuild would build in the folder $(dir): one line a target, with the objects that it is made of behind it.
# Called with srctree, objtree, SRCARCH and dir.
-include $(objtree)/include/config/auto.conf
obj := $(dir)
src := $(srctree)/$(dir)
include $(firstword $(wildcard $(src)/Kbuild $(src)/Makefile))
lab-targets := $(obj-y) $(obj-m) $(lib-y) $(lib-m) $(addsuffix /,$(patsubst %/,%,$(subdir-y) $(subdir-m)))
$(foreach target,$(lab-targets),$(info lab: $(target) $($(target:.o=-objs)) $($(target:.o=-y)) $($(target:.o=-m))))
.PHONY: lab-probe
lab-probe: ;
