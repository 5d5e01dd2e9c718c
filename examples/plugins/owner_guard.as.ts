// A plugin in WebAssembly, written in AssemblyScript: containers without the label "owner" are refused.
// `./dev wasm` compiles it to owner_guard.wasm; `tsd plugin install owner_guard.wasm` uses it.

const MANIFEST = String.UTF8.encode(
  '{"name":"owner-guard","apiVersion":1,"version":"1.0.0","hooks":["container.validate"],' +
    '"description":"Refuses containers without the label owner"}',
);
const REFUSAL = String.UTF8.encode('{"value":{"refuse":"it has no label owner: run it with --label owner=NAME"}}');
/** Contexts are JSON without blanks, and labels come as one object. */
const LABELS = String.UTF8.encode('"labels":{');
const OWNER = String.UTF8.encode('"owner":');

// What is written here comes from outside and is reused: nothing is ever freed.
let input: usize = 0;
let room: i32 = 0;

export function tsd_alloc(size: i32): usize {
  if (size > room) {
    input = heap.alloc(size);
    room = size;
  }
  return input;
}

export function tsd_manifest(): i64 {
  return answer(MANIFEST);
}

export function tsd_hook(address: usize, size: i32): i64 {
  const end = address + size;
  const labels = find(address, end, LABELS);
  if (labels == 0) return answer(REFUSAL);
  const close = endOfObject(labels, end);
  return find(labels, close, OWNER) == 0 ? answer(REFUSAL) : 0;
}

/** An address in the upper and a size in the lower half. */
function answer(text: ArrayBuffer): i64 {
  return (<i64> changetype<usize>(text) << 32) | <i64> text.byteLength;
}

/** Where the bytes behind `word` begin; 0: it isn't there. */
function find(from: usize, end: usize, word: ArrayBuffer): usize {
  const length = <usize> word.byteLength;
  for (let at = from; at + length <= end; at++) {
    if (memory.compare(at, changetype<usize>(word), length) == 0) return at + length;
  }
  return 0;
}

/** The `}` that ends an object of texts, whatever is in the texts. */
function endOfObject(from: usize, end: usize): usize {
  let inText = false;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (inText && byte == 0x5c) at++; // a backslash: what follows is part of the text
    else if (byte == 0x22) inText = !inText;
    else if (byte == 0x7d && !inText) return at;
  }
  return end;
}
