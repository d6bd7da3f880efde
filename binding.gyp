# The same addon as CMakeLists.txt builds, for those who only have node-gyp:
#   node scripts/build-native.mjs --gyp
# Not published: npm would run it on every install.
{
  "variables": {
    "sources_of": "node -p \"require('./native/sources.json')"
  },
  "target_defaults": {
    "cflags_cc": [
      "-std=c++20", "-O3", "-Wall", "-Wextra", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti",
      "-fno-math-errno", "-fno-trapping-math", "-fvisibility=hidden", "-fPIC"
    ],
    "cflags_cc!": ["-std=gnu++17", "-std=gnu++20"],
    "xcode_settings": {
      "CLANG_CXX_LANGUAGE_STANDARD": "c++20",
      "OTHER_CPLUSPLUSFLAGS": ["-O3", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti"]
    },
    "defines": ["NAPI_VERSION=8", "NAPI_DISABLE_CPP_EXCEPTIONS"]
  },
  "targets": [
    {
      "target_name": "cpu_baseline",
      "type": "static_library",
      "defines": ["KERATIN_TARGET_BASELINE"],
      "sources": ["<!@(<(sources_of).cpu.join(' ')\")"]
    },
    {
      "target_name": "keratin",
      "sources": [
        "<!@(<(sources_of).portable.join(' ')\")",
        "<!@(<(sources_of).runtime.join(' ')\")",
        "<!@(<(sources_of).addon.join(' ')\")"
      ],
      "include_dirs": [
        "<!(node -p \"require('node-api-headers').include_dir\")",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "dependencies": ["cpu_baseline"],
      "conditions": [
        ["target_arch=='x64'", { "dependencies": ["cpu_avx2", "cpu_avx512"] }],
        ["target_arch=='arm64'", { "dependencies": ["cpu_neon"] }],
        ["OS=='linux'", {
          "ldflags": ["-Wl,-z,nodelete", "-static-libstdc++", "-static-libgcc"],
          "libraries": ["-pthread"]
        }]
      ]
    }
  ],
  "conditions": [
    ["target_arch=='arm64'", {
      "targets": [
        {
          "target_name": "cpu_neon",
          "type": "static_library",
          "defines": ["KERATIN_TARGET_NEON"],
          "sources": ["<!@(<(sources_of).cpu.join(' ')\")"]
        }
      ]
    }],
    ["target_arch=='x64'", {
      "targets": [
        {
          "target_name": "cpu_avx2",
          "type": "static_library",
          "defines": ["KERATIN_TARGET_AVX2"],
          "sources": ["<!@(<(sources_of).cpu.join(' ')\")"]
        },
        {
          "target_name": "cpu_avx512",
          "type": "static_library",
          "defines": ["KERATIN_TARGET_AVX512"],
          "sources": ["<!@(<(sources_of).cpu.join(' ')\")"]
        }
      ]
    }]
  ]
}
