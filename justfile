# Names for the scripts of this repository; each does the same when called by itself.

# The gate: everything a change must pass.
ci:
    .ci/run

# The long run, with new seeds: just soak --minutes 600
soak *options:
    tools/soak {{options}}

# Plants known bugs and demands that the tests find them.
controls *names:
    tests/controls/run {{names}}

# Measures.
bench *options:
    cargo bench {{options}}

# Side by side with other engines.
peers *options:
    tools/peers/immer/run {{options}}
