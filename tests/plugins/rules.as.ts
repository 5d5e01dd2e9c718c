// The rules of rules.ts in AssemblyScript: answers at every hook that has any, notes at all of them, and misbehaves as it is told.

// @ts-ignore: the host's
@external("tsd", "log")
declare function tsd_log(level: i32, address: usize, size: i32): void;

const HOOKS =
  '"image.beforePull","registry.resolve","registry.credentials","image.verify","image.pulled","image.loaded","container.create",' +
  '"container.validate","network.ready","container.started","container.exec","health.changed","container.oom",' +
  '"container.exited","container.removed","volume.created","prune.plan","log.line","api.request","api.answered"';
const SETTINGS = '{"mirror":{"type":"text","optional":true},"username":{"type":"text","optional":true},' +
  '"password":{"type":"text","optional":true},"mode":{"type":"text","optional":true}}';

const said = new Set<string>();
let mode = "";

export function tsd_alloc(size: i32): usize {
  return mode == "alloc" ? 0xffff_fff0 : heap.alloc(size);
}

export function tsd_manifest(): i64 {
  return answer('{"name":"rules","apiVersion":1,"config":' + SETTINGS + ',"hooks":[' + HOOKS + "]}");
}

export function tsd_hook(address: usize, size: i32): i64 {
  const call = String.UTF8.decodeUnsafe(address, size);
  const hook = textOf(call, "hook");
  note(hook);
  mode = textOf(call, "mode");
  if (hook == "container.validate" && mode != "") return misbehave();
  return decide(hook, call);
}

function decide(hook: string, call: string): i64 {
  if (hook == "image.beforePull") return refuseIf(call.includes("/forbidden"), "forbidden");
  if (hook == "image.verify") return refuseIf(call.includes("/unsigned"), "unsigned");
  if (hook == "container.validate") return refuseIf(call.includes('"name":"invalid'), "invalid");
  if (hook == "network.ready") return refuseIf(call.includes('"name":"unplugged'), "unplugged");
  if (hook == "container.exec") return refuseIf(call.includes('"sealed"'), "sealed");
  if (hook == "api.request") return refuseIf(call.includes("/containers/untouchable"), "untouchable");
  if (hook == "container.create") return answer('{"value":{"env":{"RULES_WASM":"yes"},"labels":{"ruled.wasm":"yes"}}}');
  if (hook == "registry.resolve" && call.includes("/elsewhere")) {
    return answer('{"value":{"reference":"' + textOf(call, "mirror") + '"}}');
  }
  if (hook == "registry.credentials" && textOf(call, "username") != "") {
    const username = textOf(call, "username"), password = textOf(call, "password");
    return answer('{"value":{"username":"' + username + '","password":"' + password + '"}}');
  }
  const stays = call.indexOf('","names":["stays"]');
  if (hook == "prune.plan" && stays >= 0) return answer('{"value":["' + call.substring(stays - 64, stays) + '"]}');
  return 0;
}

function misbehave(): i64 {
  if (mode == "pointer") return place(0xffff_fff0, 100);
  if (mode == "size") return place(16, 0xffff_ffff);
  if (mode == "text") return answer("no JSON");
  if (mode == "list") return answer("[]");
  if (mode == "shape") return answer('{"value":{"refuse":7}}');
  if (mode == "error") return answer('{"error":"says no"}');
  if (mode == "log") tsd_log(1, 0xffff_fff0, 100);
  if (mode == "trap") unreachable();
  if (mode == "loop") while (true) {}
  if (mode == "deep") return deeper(1);
  if (mode == "utf8") {
    const at = heap.alloc(8);
    store<u64>(at, 0xffff_ffff_ffff_ffff);
    return place(at, 8);
  }
  if (mode == "grow") {
    for (let pages = memory.grow(16); pages >= 0; pages = memory.grow(16)) memory.fill(<usize> pages << 16, 1, 16 << 16);
    unreachable();
  }
  return 0;
}

function deeper(n: i64): i64 {
  return n == 0 ? 0 : deeper(n + 1) + deeper(n + 2);
}

function note(hook: string): void {
  if (said.has(hook)) return;
  said.add(hook);
  const line = String.UTF8.encode(hook);
  tsd_log(1, changetype<usize>(line), line.byteLength);
}

/** Returns the first string with that name. */
function textOf(call: string, name: string): string {
  const before = '"' + name + '":"';
  const at = call.indexOf(before);
  return at < 0 ? "" : call.substring(at + before.length, call.indexOf('"', at + before.length));
}

function refuseIf(isRefused: bool, why: string): i64 {
  return isRefused ? answer('{"value":{"refuse":"' + why + '"}}') : 0;
}

function answer(text: string): i64 {
  const bytes = String.UTF8.encode(text);
  return place(changetype<usize>(bytes), bytes.byteLength);
}

function place(address: usize, size: u32): i64 {
  return <i64> ((<u64> address << 32) | <u64> size);
}
