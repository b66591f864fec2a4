{
  "targets": [
    {
      "target_name": "core",
      "sources": [
        "src/addon.cc",
        "src/args.cc",
        "src/copy.cc",
        "src/drm.cc",
        "src/errors.cc",
        "src/event_fd.cc",
        "src/fd.cc",
        "src/files.cc",
        "src/guard.cc",
        "src/mapping.cc",
        "src/pipe.cc",
        "src/pixels.cc",
        "src/scatter_gather.cc",
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
    }
  ]
}
