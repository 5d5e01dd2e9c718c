import { strict as assert } from "node:assert";
import "./preopen_testing.ts";
import { cleanMappings, selfMemory } from "./self_memory.ts";

const SMAPS = `55d0a0000000-55d0a0001000 r--p 00000000 fe:00 42                         /opt/a b/prog
Size:                  4 kB
Anonymous:             0 kB
Swap:                  0 kB
VmFlags: rd mr mw me sd
55d0a0001000-55d0a0003000 r-xp 00001000 fe:00 42                         /opt/a b/prog
Rss:                   8 kB
Anonymous:             0 kB
Swap:                  0 kB
55d0a0003000-55d0a0004000 r--p 00003000 fe:00 42                         /opt/a b/prog
Anonymous:             4 kB
Swap:                  0 kB
55d0a0003800-55d0a0004000 r--p 00003800 fe:00 42                         /opt/a b/prog
Anonymous:             0 kB
Swap:                  2 kB
55d0a0004000-55d0a0005000 rw-p 00004000 fe:00 42                         /opt/a b/prog
Anonymous:             0 kB
Swap:                  0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 43                         /lib/libc.so.6
Anonymous:             0 kB
Swap:                  0 kB
7f0000002000-7f0000003000 r-xp 00000000 00:00 0 
Anonymous:             0 kB
Swap:                  0 kB
`;

Deno.test("only unchanged, unwritable mappings of the program's own file are dropped", () => {
  assert.deepEqual(cleanMappings(SMAPS, "/opt/a b/prog"), [
    { start: 0x55d0a0000000n, lengthBytes: 0x1000n },
    { start: 0x55d0a0001000n, lengthBytes: 0x2000n },
  ]);
  assert.deepEqual(cleanMappings(SMAPS, "/opt/other"), []);
});

Deno.test("after releaseProgram this process still works and has less of its file in memory", () => {
  const fileKb = () => Number(/^RssFile:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1]);
  const before = fileKb();
  selfMemory.releaseHeap();
  selfMemory.releaseProgram();
  const after = fileKb();
  assert.ok(after < before / 2, `${before} → ${after} kB`);
  assert.equal(JSON.parse(JSON.stringify({ a: [1, 2, 3] })).a.length, 3);
});
