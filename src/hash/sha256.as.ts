/**
 * @module
 * The compression function of SHA-256 (FIPS 180-4, section 6.2.2) in AssemblyScript, compiled to `sha256.wasm` by
 * `scripts/build_wasm.ts`. `blocks` hashes one message: the schedule is computed four words at a time in SIMD
 * registers, the rounds are scalar. `blocks4` hashes four independent messages in lockstep, one in each lane of a
 * register. Neither keeps state between calls except scratch words at constant addresses, which V8 reads without bounds
 * checks: so two threads must not share a memory. Blocks are whole (64 bytes); padding is the caller's. Memory is
 * little-endian (WebAssembly). The order of the statements determines that of the machine code, see `WASM_MODULES`.
 */

/** The constants of section 4.2.2. */
const K = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
], 16);
const K_BYTES: usize = 256;
/** Size of the constants of sixteen rounds, in bytes. */
const SIXTEEN: usize = 64;
/** `blocks`: message word plus constant of the next sixteen rounds. */
const WK = memory.data(64, 16);
/** `blocks4`: a ring of sixteen message words with four lanes each. */
const RING = memory.data(256, 16);

// ---- One message --------------------------------------------------------------------------------------------------------

/** Loads sixteen big-endian bytes as four words. */
// @ts-ignore: decorator
@inline function words(at: usize): v128 {
  return i8x16.swizzle(v128.load(at), i8x16(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12));
}

/**
 * First half of a round: returns the sum that is added to both `d` and `h`. `i` is the round within the current
 * sixteen.
 */
// @ts-ignore: decorator
@inline function first(e: u32, f: u32, g: u32, h: u32, i: usize): u32 {
  return h + load<u32>(WK + (i << 2)) + (((f ^ g) & e) ^ g) + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25));
}

/**
 * Second half of a round: t + Maj(a, b, c) + Sigma0(a), given a ^ b and b ^ c; the former is the latter of the next
 * round. Sigma0 is ready last and therefore added last: each round depends on the previous one here, so every
 * instruction counts.
 */
// @ts-ignore: decorator
@inline function second(t: u32, a: u32, b: u32, ab: u32, bc: u32): u32 {
  return t + ((ab & bc) ^ b) + rotr(a ^ rotr(a, 11) ^ rotr(a, 20), 2);
}

/** sigma1 of a word that is duplicated in each half, so that one 64-bit shift is a rotation of 32 bits. */
// @ts-ignore: decorator
@inline function sigma1(v: v128): v128 {
  return v128.xor(v128.xor(i64x2.shr_u(v, 17), i64x2.shr_u(v, 19)), i32x4.shr_u(v, 10));
}

/** Returns the four message words after the sixteen in x0..x3. The last two depend on the first two. */
// @ts-ignore: decorator
@inline function next4(x0: v128, x1: v128, x2: v128, x3: v128): v128 {
  const w = v128.shuffle<i32>(x0, x1, 1, 2, 3, 4);
  const r7 = v128.xor(i32x4.shr_u(w, 7), i32x4.shl(w, 25));
  const r18 = v128.xor(i32x4.shr_u(w, 18), i32x4.shl(w, 14));
  const sigma0 = v128.xor(v128.xor(r7, r18), i32x4.shr_u(w, 3));
  let t = i32x4.add(i32x4.add(x0, v128.shuffle<i32>(x2, x3, 1, 2, 3, 4)), sigma0);
  const low = sigma1(v128.shuffle<i32>(x3, x3, 2, 2, 3, 3));
  t = i32x4.add(t, v128.shuffle<i32>(low, i32x4.splat(0), 0, 2, 4, 4));
  const high = sigma1(v128.shuffle<i32>(t, t, 0, 0, 1, 1));
  return i32x4.add(t, v128.shuffle<i32>(high, i32x4.splat(0), 4, 4, 0, 2));
}

/**
 * Hashes `count` blocks of one message into its state.
 * @param state address of eight words
 * @param data address of the blocks
 */
export function blocks(state: usize, data: usize, count: u32): void {
  let a = load<u32>(state), b = load<u32>(state, 4), c = load<u32>(state, 8), d = load<u32>(state, 12);
  let e = load<u32>(state, 16), f = load<u32>(state, 20), g = load<u32>(state, 24), h = load<u32>(state, 28);
  for (; count; --count, data += 64) {
    let x0 = words(data), x1 = words(data + 16), x2 = words(data + 32), x3 = words(data + 48);
    v128.store(WK, i32x4.add(x0, v128.load(K)));
    v128.store(WK, i32x4.add(x1, v128.load(K, 16)), 16);
    v128.store(WK, i32x4.add(x2, v128.load(K, 32)), 32);
    v128.store(WK, i32x4.add(x3, v128.load(K, 48)), 48);
    let bc = b ^ c, ab: u32;
    for (let k: usize = K + SIXTEEN; k < K + K_BYTES; k += SIXTEEN) {
      h = first(e, f, g, h, 0); d += h; ab = a ^ b; h = second(h, a, b, ab, bc);
      g = first(d, e, f, g, 1); c += g; bc = h ^ a; g = second(g, h, a, bc, ab);
      f = first(c, d, e, f, 2); b += f; ab = g ^ h; f = second(f, g, h, ab, bc);
      e = first(b, c, d, e, 3); a += e; bc = f ^ g; e = second(e, f, g, bc, ab);
      x0 = next4(x0, x1, x2, x3);
      v128.store(WK, i32x4.add(x0, v128.load(k)));
      d = first(a, b, c, d, 4); h += d; ab = e ^ f; d = second(d, e, f, ab, bc);
      c = first(h, a, b, c, 5); g += c; bc = d ^ e; c = second(c, d, e, bc, ab);
      b = first(g, h, a, b, 6); f += b; ab = c ^ d; b = second(b, c, d, ab, bc);
      a = first(f, g, h, a, 7); e += a; bc = b ^ c; a = second(a, b, c, bc, ab);
      x1 = next4(x1, x2, x3, x0);
      v128.store(WK, i32x4.add(x1, v128.load(k, 16)), 16);
      h = first(e, f, g, h, 8); d += h; ab = a ^ b; h = second(h, a, b, ab, bc);
      g = first(d, e, f, g, 9); c += g; bc = h ^ a; g = second(g, h, a, bc, ab);
      f = first(c, d, e, f, 10); b += f; ab = g ^ h; f = second(f, g, h, ab, bc);
      e = first(b, c, d, e, 11); a += e; bc = f ^ g; e = second(e, f, g, bc, ab);
      x2 = next4(x2, x3, x0, x1);
      v128.store(WK, i32x4.add(x2, v128.load(k, 32)), 32);
      d = first(a, b, c, d, 12); h += d; ab = e ^ f; d = second(d, e, f, ab, bc);
      c = first(h, a, b, c, 13); g += c; bc = d ^ e; c = second(c, d, e, bc, ab);
      b = first(g, h, a, b, 14); f += b; ab = c ^ d; b = second(b, c, d, ab, bc);
      a = first(f, g, h, a, 15); e += a; bc = b ^ c; a = second(a, b, c, bc, ab);
      x3 = next4(x3, x0, x1, x2);
      v128.store(WK, i32x4.add(x3, v128.load(k, 48)), 48);
    }
    h = first(e, f, g, h, 0); d += h; ab = a ^ b; h = second(h, a, b, ab, bc);
    g = first(d, e, f, g, 1); c += g; bc = h ^ a; g = second(g, h, a, bc, ab);
    f = first(c, d, e, f, 2); b += f; ab = g ^ h; f = second(f, g, h, ab, bc);
    e = first(b, c, d, e, 3); a += e; bc = f ^ g; e = second(e, f, g, bc, ab);
    d = first(a, b, c, d, 4); h += d; ab = e ^ f; d = second(d, e, f, ab, bc);
    c = first(h, a, b, c, 5); g += c; bc = d ^ e; c = second(c, d, e, bc, ab);
    b = first(g, h, a, b, 6); f += b; ab = c ^ d; b = second(b, c, d, ab, bc);
    a = first(f, g, h, a, 7); e += a; bc = b ^ c; a = second(a, b, c, bc, ab);
    h = first(e, f, g, h, 8); d += h; ab = a ^ b; h = second(h, a, b, ab, bc);
    g = first(d, e, f, g, 9); c += g; bc = h ^ a; g = second(g, h, a, bc, ab);
    f = first(c, d, e, f, 10); b += f; ab = g ^ h; f = second(f, g, h, ab, bc);
    e = first(b, c, d, e, 11); a += e; bc = f ^ g; e = second(e, f, g, bc, ab);
    d = first(a, b, c, d, 12); h += d; ab = e ^ f; d = second(d, e, f, ab, bc);
    c = first(h, a, b, c, 13); g += c; bc = d ^ e; c = second(c, d, e, bc, ab);
    b = first(g, h, a, b, 14); f += b; ab = c ^ d; b = second(b, c, d, ab, bc);
    a = first(f, g, h, a, 15); e += a; bc = b ^ c; a = second(a, b, c, bc, ab);
    store<u32>(state, a += load<u32>(state));
    store<u32>(state, b += load<u32>(state, 4), 4);
    store<u32>(state, c += load<u32>(state, 8), 8);
    store<u32>(state, d += load<u32>(state, 12), 12);
    store<u32>(state, e += load<u32>(state, 16), 16);
    store<u32>(state, f += load<u32>(state, 20), 20);
    store<u32>(state, g += load<u32>(state, 24), 24);
    store<u32>(state, h += load<u32>(state, 28), 28);
  }
}

// ---- Four messages ------------------------------------------------------------------------------------------------------

// @ts-ignore: decorator
@inline function rotr4(x: v128, n: i32): v128 {
  return v128.xor(i32x4.shr_u(x, n), i32x4.shl(x, 32 - n));
}

// @ts-ignore: decorator
@inline function first4(e: v128, f: v128, g: v128, h: v128, w: v128, k: usize): v128 {
  const choice = v128.xor(v128.and(v128.xor(f, g), e), g);
  const sigma = v128.xor(v128.xor(rotr4(e, 6), rotr4(e, 11)), rotr4(e, 25));
  return i32x4.add(i32x4.add(i32x4.add(h, i32x4.add(w, v128.load32_splat(k))), choice), sigma);
}

// @ts-ignore: decorator
@inline function second4(a: v128, b: v128, ab: v128, bc: v128): v128 {
  const sigma = v128.xor(v128.xor(rotr4(a, 2), rotr4(a, 13)), rotr4(a, 22));
  return i32x4.add(v128.xor(v128.and(ab, bc), b), sigma);
}

// @ts-ignore: decorator
@inline function word4(i: usize): v128 {
  return v128.load(RING + ((i & 15) << 4));
}

/** Computes the message word sixteen after word i and stores it in that word's ring slot. */
// @ts-ignore: decorator
@inline function later4(i: usize): v128 {
  const x = word4(i + 1), y = word4(i + 14);
  const sigma0 = v128.xor(v128.xor(rotr4(x, 7), rotr4(x, 18)), i32x4.shr_u(x, 3));
  const sigma1 = v128.xor(v128.xor(rotr4(y, 17), rotr4(y, 19)), i32x4.shr_u(y, 10));
  const w = i32x4.add(i32x4.add(word4(i), word4(i + 9)), i32x4.add(sigma0, sigma1));
  v128.store(RING + (i << 4), w);
  return w;
}

/** Loads four words of each of four messages into the ring, transposed: word by word instead of message by message. */
// @ts-ignore: decorator
@inline function gather4(p0: usize, p1: usize, p2: usize, p3: usize, offset: usize): void {
  const q0 = words(p0 + offset), q1 = words(p1 + offset), q2 = words(p2 + offset), q3 = words(p3 + offset);
  const low01 = v128.shuffle<i32>(q0, q1, 0, 4, 1, 5), low23 = v128.shuffle<i32>(q2, q3, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(q0, q1, 2, 6, 3, 7), high23 = v128.shuffle<i32>(q2, q3, 2, 6, 3, 7);
  const at = RING + (offset << 2);
  v128.store(at, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(at, v128.shuffle<i64>(low01, low23, 1, 3), 16);
  v128.store(at, v128.shuffle<i64>(high01, high23, 0, 2), 32);
  v128.store(at, v128.shuffle<i64>(high01, high23, 1, 3), 48);
}

/**
 * Hashes `count` blocks of each of four messages into their states.
 * @param state address of eight times four words: the first word of every message's state, then the second …
 * @param p0 address of the first message's blocks; `p1` to `p3` likewise
 */
export function blocks4(state: usize, p0: usize, p1: usize, p2: usize, p3: usize, count: u32): void {
  let a = v128.load(state), b = v128.load(state, 16), c = v128.load(state, 32), d = v128.load(state, 48);
  let e = v128.load(state, 64), f = v128.load(state, 80), g = v128.load(state, 96), h = v128.load(state, 112);
  for (; count; --count, p0 += 64, p1 += 64, p2 += 64, p3 += 64) {
    gather4(p0, p1, p2, p3, 0);
    gather4(p0, p1, p2, p3, 16);
    gather4(p0, p1, p2, p3, 32);
    gather4(p0, p1, p2, p3, 48);
    let bc = v128.xor(b, c), ab: v128;
    h = first4(e, f, g, h, word4(0), K + 0); d = i32x4.add(d, h);
    ab = v128.xor(a, b); h = i32x4.add(h, second4(a, b, ab, bc));
    g = first4(d, e, f, g, word4(1), K + 4); c = i32x4.add(c, g);
    bc = v128.xor(h, a); g = i32x4.add(g, second4(h, a, bc, ab));
    f = first4(c, d, e, f, word4(2), K + 8); b = i32x4.add(b, f);
    ab = v128.xor(g, h); f = i32x4.add(f, second4(g, h, ab, bc));
    e = first4(b, c, d, e, word4(3), K + 12); a = i32x4.add(a, e);
    bc = v128.xor(f, g); e = i32x4.add(e, second4(f, g, bc, ab));
    d = first4(a, b, c, d, word4(4), K + 16); h = i32x4.add(h, d);
    ab = v128.xor(e, f); d = i32x4.add(d, second4(e, f, ab, bc));
    c = first4(h, a, b, c, word4(5), K + 20); g = i32x4.add(g, c);
    bc = v128.xor(d, e); c = i32x4.add(c, second4(d, e, bc, ab));
    b = first4(g, h, a, b, word4(6), K + 24); f = i32x4.add(f, b);
    ab = v128.xor(c, d); b = i32x4.add(b, second4(c, d, ab, bc));
    a = first4(f, g, h, a, word4(7), K + 28); e = i32x4.add(e, a);
    bc = v128.xor(b, c); a = i32x4.add(a, second4(b, c, bc, ab));
    h = first4(e, f, g, h, word4(8), K + 32); d = i32x4.add(d, h);
    ab = v128.xor(a, b); h = i32x4.add(h, second4(a, b, ab, bc));
    g = first4(d, e, f, g, word4(9), K + 36); c = i32x4.add(c, g);
    bc = v128.xor(h, a); g = i32x4.add(g, second4(h, a, bc, ab));
    f = first4(c, d, e, f, word4(10), K + 40); b = i32x4.add(b, f);
    ab = v128.xor(g, h); f = i32x4.add(f, second4(g, h, ab, bc));
    e = first4(b, c, d, e, word4(11), K + 44); a = i32x4.add(a, e);
    bc = v128.xor(f, g); e = i32x4.add(e, second4(f, g, bc, ab));
    d = first4(a, b, c, d, word4(12), K + 48); h = i32x4.add(h, d);
    ab = v128.xor(e, f); d = i32x4.add(d, second4(e, f, ab, bc));
    c = first4(h, a, b, c, word4(13), K + 52); g = i32x4.add(g, c);
    bc = v128.xor(d, e); c = i32x4.add(c, second4(d, e, bc, ab));
    b = first4(g, h, a, b, word4(14), K + 56); f = i32x4.add(f, b);
    ab = v128.xor(c, d); b = i32x4.add(b, second4(c, d, ab, bc));
    a = first4(f, g, h, a, word4(15), K + 60); e = i32x4.add(e, a);
    bc = v128.xor(b, c); a = i32x4.add(a, second4(b, c, bc, ab));
    for (let k: usize = K + SIXTEEN; k < K + K_BYTES; k += SIXTEEN) {
      h = first4(e, f, g, h, later4(0), k + 0); d = i32x4.add(d, h);
      ab = v128.xor(a, b); h = i32x4.add(h, second4(a, b, ab, bc));
      g = first4(d, e, f, g, later4(1), k + 4); c = i32x4.add(c, g);
      bc = v128.xor(h, a); g = i32x4.add(g, second4(h, a, bc, ab));
      f = first4(c, d, e, f, later4(2), k + 8); b = i32x4.add(b, f);
      ab = v128.xor(g, h); f = i32x4.add(f, second4(g, h, ab, bc));
      e = first4(b, c, d, e, later4(3), k + 12); a = i32x4.add(a, e);
      bc = v128.xor(f, g); e = i32x4.add(e, second4(f, g, bc, ab));
      d = first4(a, b, c, d, later4(4), k + 16); h = i32x4.add(h, d);
      ab = v128.xor(e, f); d = i32x4.add(d, second4(e, f, ab, bc));
      c = first4(h, a, b, c, later4(5), k + 20); g = i32x4.add(g, c);
      bc = v128.xor(d, e); c = i32x4.add(c, second4(d, e, bc, ab));
      b = first4(g, h, a, b, later4(6), k + 24); f = i32x4.add(f, b);
      ab = v128.xor(c, d); b = i32x4.add(b, second4(c, d, ab, bc));
      a = first4(f, g, h, a, later4(7), k + 28); e = i32x4.add(e, a);
      bc = v128.xor(b, c); a = i32x4.add(a, second4(b, c, bc, ab));
      h = first4(e, f, g, h, later4(8), k + 32); d = i32x4.add(d, h);
      ab = v128.xor(a, b); h = i32x4.add(h, second4(a, b, ab, bc));
      g = first4(d, e, f, g, later4(9), k + 36); c = i32x4.add(c, g);
      bc = v128.xor(h, a); g = i32x4.add(g, second4(h, a, bc, ab));
      f = first4(c, d, e, f, later4(10), k + 40); b = i32x4.add(b, f);
      ab = v128.xor(g, h); f = i32x4.add(f, second4(g, h, ab, bc));
      e = first4(b, c, d, e, later4(11), k + 44); a = i32x4.add(a, e);
      bc = v128.xor(f, g); e = i32x4.add(e, second4(f, g, bc, ab));
      d = first4(a, b, c, d, later4(12), k + 48); h = i32x4.add(h, d);
      ab = v128.xor(e, f); d = i32x4.add(d, second4(e, f, ab, bc));
      c = first4(h, a, b, c, later4(13), k + 52); g = i32x4.add(g, c);
      bc = v128.xor(d, e); c = i32x4.add(c, second4(d, e, bc, ab));
      b = first4(g, h, a, b, later4(14), k + 56); f = i32x4.add(f, b);
      ab = v128.xor(c, d); b = i32x4.add(b, second4(c, d, ab, bc));
      a = first4(f, g, h, a, later4(15), k + 60); e = i32x4.add(e, a);
      bc = v128.xor(b, c); a = i32x4.add(a, second4(b, c, bc, ab));
    }
    v128.store(state, a = i32x4.add(a, v128.load(state)));
    v128.store(state, b = i32x4.add(b, v128.load(state, 16)), 16);
    v128.store(state, c = i32x4.add(c, v128.load(state, 32)), 32);
    v128.store(state, d = i32x4.add(d, v128.load(state, 48)), 48);
    v128.store(state, e = i32x4.add(e, v128.load(state, 64)), 64);
    v128.store(state, f = i32x4.add(f, v128.load(state, 80)), 80);
    v128.store(state, g = i32x4.add(g, v128.load(state, 96)), 96);
    v128.store(state, h = i32x4.add(h, v128.load(state, 112)), 112);
  }
}
