{
  "targets": [
    {
      "target_name": "core",
      "sources": [
        "src/addon.cc",
        "src/args.cc",
        "src/broker_link.cc",
        "src/copy.cc",
        "src/drm.cc",
        "src/errors.cc",
        "src/event_fd.cc",
        "src/fd.cc",
        "src/files.cc",
        "src/guard.cc",
        "src/io_uring.cc",
        "src/landlock.cc",
        "src/mapping.cc",
        "src/pipe.cc",
        "src/pixels.cc",
        "src/sandbox.cc",
        "src/scatter_gather.cc",
        "src/system_calls.cc",
        "src/threads.cc",
        "src/udmabuf.cc",
        "src/unix_listener.cc",
        "src/unix_socket.cc",
        "src/watcher.cc"
      ],
      "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS", "_GNU_SOURCE"],
      "cflags_cc!": ["-std=gnu++17"],
      "cflags_cc": [
        "-std=gnu++20",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O3",
        "-fvisibility=hidden",
        "-fstack-protector-strong",
        # As a system folder: its warnings are not ours to fix.
        "-isystem",
        "<!(node -p \"path.resolve(require('node-addon-api').include_dir)\")"
      ],
      # nodelete: the SIGBUS handler must stay in memory after the worker that loaded the addon has ended.
      "ldflags": ["-Wl,-z,nodelete", "-Wl,-z,relro", "-Wl,-z,now"]
    },
    {
      # A process of its own that does for the sandboxed one what it no longer can (src/broker/broker.h).
      "target_name": "broker",
      "type": "executable",
      "sources": ["src/broker/asker.cc", "src/broker/main.cc", "src/broker/paths.cc"],
      "defines": ["_GNU_SOURCE"],
      "cflags_cc!": ["-std=gnu++17"],
      "cflags_cc": ["-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-O2", "-fstack-protector-strong"],
      # No library but the C library: it starts in a millisecond and takes next to no memory.
      "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,--gc-sections"]
    },
    {
      # Whether guests run on KVM here: a process of its own, because a processor that hangs can only be killed.
      "target_name": "kvm-probe",
      "type": "executable",
      "sources": ["src/kvm_probe.cc"],
      "defines": ["_GNU_SOURCE"],
      "cflags_cc!": ["-std=gnu++17"],
      "cflags_cc": ["-std=gnu++20", "-Wall", "-Wextra", "-Werror", "-O2", "-fstack-protector-strong"],
      "ldflags": ["-static-libstdc++", "-static-libgcc", "-Wl,-z,relro", "-Wl,-z,now", "-Wl,--gc-sections"]
    }
  ]
}
