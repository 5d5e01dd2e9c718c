import { strict as assert } from "node:assert";
import { gzipSync } from "node:zlib";
import { kernelConfig, runsX32 } from "./kernel_config.ts";

const files = (texts: Record<string, string>) => ({
  read: (path: string) => Promise.resolve(path.endsWith(".gz") ? undefined : texts[path]),
  readBytes: (path: string) => Promise.resolve(texts[path] === undefined ? undefined : gzipSync(texts[path])),
});

Deno.test("a kernel's configuration is found, plain or compressed", async () => {
  const both = files({ "/boot/config-6.1.0": "plain", "/proc/config.gz": "packed" });
  assert.equal(await kernelConfig("6.1.0", both), "plain");
  assert.equal(await kernelConfig("6.2.0", both), "packed");
  assert.equal(await kernelConfig("6.1.0", files({})), undefined);
});

Deno.test("x32 is enabled if the kernel was built and booted with it, or if the configuration is unknown", () => {
  const cases: [string, string | undefined, string, boolean][] = [
    ["x86_64", undefined, "", true],
    ["x86_64", "CONFIG_X86_X32_ABI=y\n", "", true],
    ["x86_64", "CONFIG_X86_X32=y\n", "", true],
    ["x86_64", "# CONFIG_X86_X32_ABI is not set\n", "", false],
    ["x86_64", "CONFIG_X86_X32=y\nCONFIG_X86_X32_DISABLED=y\n", "quiet", false],
    ["x86_64", "CONFIG_X86_X32=y\nCONFIG_X86_X32_DISABLED=y\n", "quiet syscall.x32=y", true],
    ["aarch64", undefined, "", false],
  ];
  for (const [arch, config, commandLine, expected] of cases) {
    assert.equal(runsX32(arch, config, commandLine), expected, `${config} ${commandLine}`);
  }
});
