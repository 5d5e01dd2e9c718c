/**
 * @module
 * Gives a position-independent executable a fixed address and does the dynamic linker's relative relocations in the file,
 * once, instead of at each start. In Deno's executable these are 160,000, which touch 700 pages of data: 3 to 4 ms of a
 * client's start, and as many pages that every process had for itself. See docs/adr/0017-prelinked-runtime.md.
 *
 * Formats: System V gABI, chapters 4 and 5; the relocations of the x86-64 and AArch64 psABIs. 64-bit little-endian only.
 */

/** Why an executable stays as it is. */
export class NotPrelinkable extends Error {}

/** Far from what programs get at fixed addresses otherwise, and aligned for pages of every size. */
export const BASE = 0x1_0000_0000n;

const ET = { EXEC: 2, DYN: 3 } as const;
const PT = { LOAD: 1, DYNAMIC: 2, GNU_STACK: 0x6474e551 } as const;
const SHT = { RELA: 4, DYNSYM: 11 } as const;
const SHF_ALLOC = 2n;
const STT_TLS = 6;
const SHN = { UNDEF: 0, ABS: 0xfff1 } as const;
const DF_BIND_NOW = 8n;
const DF_1_PIE = 0x0800_0000n;

/** Entries of the dynamic section, by their tags. */
const DT = {
  PLTRELSZ: 0x2,
  PLTGOT: 0x3,
  HASH: 0x4,
  STRTAB: 0x5,
  SYMTAB: 0x6,
  RELA: 0x7,
  RELASZ: 0x8,
  INIT: 0xc,
  FINI: 0xd,
  JMPREL: 0x17,
  INIT_ARRAY: 0x19,
  FINI_ARRAY: 0x1a,
  FLAGS: 0x1e,
  PREINIT_ARRAY: 0x20,
  RELRSZ: 0x23,
  RELR: 0x24,
  GNU_HASH: 0x6ffffef5,
  VERSYM: 0x6ffffff0,
  RELACOUNT: 0x6ffffff9,
  FLAGS_1: 0x6ffffffb,
  VERDEF: 0x6ffffffc,
  VERNEED: 0x6ffffffe,
} as const;

/** Those that are addresses. */
const ADDRESSES: readonly number[] = [
  ...[DT.PLTGOT, DT.HASH, DT.STRTAB, DT.SYMTAB, DT.RELA, DT.INIT, DT.FINI, DT.JMPREL, DT.INIT_ARRAY, DT.FINI_ARRAY],
  ...[DT.PREINIT_ARRAY, DT.GNU_HASH, DT.VERSYM, DT.VERDEF, DT.VERNEED],
];

/** Relocation types of a machine (`e_machine`). */
interface RelocationTypes {
  readonly relative: number;
  /** Its addend is an address too. */
  readonly irelative: number;
  /** What they store comes from a symbol, or from where thread-local data lies. */
  readonly others: readonly number[];
}

const MACHINES: ReadonlyMap<number, RelocationTypes> = new Map([
  // R_X86_64_64, GLOB_DAT, JUMP_SLOT, DTPMOD64, DTPOFF64, TPOFF64, TLSDESC
  [62, { relative: 8, irelative: 37, others: [1, 6, 7, 16, 17, 18, 36] }],
  // R_AARCH64_ABS64, GLOB_DAT, JUMP_SLOT, TLS_DTPMOD, TLS_DTPREL, TLS_TPREL, TLSDESC
  [183, { relative: 1027, irelative: 1032, others: [257, 1025, 1026, 1028, 1029, 1030, 1031] }],
]);

const RELA_BYTES = 24;
const SYMBOL_BYTES = 24;

/**
 * Prelinks an executable in place; it has the same size afterwards. Returns how many relocations are done for good.
 * @throws NotPrelinkable; what is in `file` then is of no use
 */
export function prelink(file: Uint8Array): number {
  return new Prelinking(new Elf(file)).run();
}

/** Reads and writes an ELF file's fields. */
class Elf {
  readonly #view: DataView;

  constructor(file: Uint8Array) {
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const isElf = file.length > 64 && this.#view.getUint32(0) === 0x7f454c46;
    if (!isElf || file[4] !== 2 || file[5] !== 1) throw new NotPrelinkable("it is no 64-bit little-endian ELF file");
  }

  u8 = (at: number) => this.#view.getUint8(at);
  u16 = (at: number) => this.#view.getUint16(at, true);
  u32 = (at: number) => this.#view.getUint32(at, true);
  u64 = (at: number) => this.#view.getBigUint64(at, true);
  /** An offset or a size within the file. */
  size = (at: number) => Number(this.u64(at));
  put16 = (at: number, value: number) => this.#view.setUint16(at, value, true);
  put64 = (at: number, value: bigint) => this.#view.setBigUint64(at, value, true);
  /** Moves the address that is stored there. */
  move = (at: number) => this.put64(at, this.u64(at) + BASE);

  /** Offsets of the entries of a table that the header names. */
  *table(offsetAt: number, entryBytesAt: number, countAt: number): Generator<number> {
    const [start, bytes, count] = [this.size(offsetAt), this.u16(entryBytesAt), this.u16(countAt)];
    for (let i = 0; i < count; i++) yield start + i * bytes;
  }

  programHeaders = () => this.table(32, 54, 56);
  sections = () => this.table(40, 58, 60);
}

class Prelinking {
  readonly #elf: Elf;
  readonly #types: RelocationTypes;
  /** Where the entries of the dynamic section are stored, by tag. */
  readonly #dynamic = new Map<number, number>();

  constructor(elf: Elf) {
    this.#elf = elf;
    const types = MACHINES.get(elf.u16(18));
    if (types === undefined) throw new NotPrelinkable(`its machine (${elf.u16(18)}) is not known here`);
    this.#types = types;
    if (elf.u16(16) !== ET.DYN) throw new NotPrelinkable("it has a fixed address already");
    for (const header of elf.programHeaders()) {
      if (elf.u32(header) !== PT.DYNAMIC) continue;
      const end = elf.size(header + 8) + elf.size(header + 32);
      for (let at = elf.size(header + 8); at < end && elf.u64(at) !== 0n; at += 16) {
        this.#dynamic.set(Number(elf.u64(at)), at + 8);
      }
    }
    // Lazily bound calls would find addresses in the table of calls that nobody has moved.
    if ((this.#value(DT.FLAGS) & DF_BIND_NOW) === 0n) throw new NotPrelinkable("its calls are not bound at the start");
    if (this.#dynamic.has(DT.RELR)) throw new NotPrelinkable("its relocations are packed (DT_RELR)");
    if ((this.#value(DT.FLAGS_1) & DF_1_PIE) === 0n) throw new NotPrelinkable("it is a library");
  }

  run(): number {
    const done = this.#relocate();
    this.#moveSymbols();
    this.#moveTables();
    return done;
  }

  #value(tag: number): bigint {
    const at = this.#dynamic.get(tag);
    return at === undefined ? 0n : this.#elf.u64(at);
  }

  /** Relative relocations come first (`DT_RELACOUNT`): they are done, and the table begins behind them from now on. */
  #relocate(): number {
    const elf = this.#elf;
    const { relative } = this.#types;
    const done = Number(this.#value(DT.RELACOUNT));
    const all = Number(this.#value(DT.RELASZ)) / RELA_BYTES;
    const table = this.#offsetOf(this.#value(DT.RELA));
    for (let i = 0; i < all; i++) {
      const at = table + i * RELA_BYTES;
      const isRelative = elf.u32(at + 8) === relative;
      if (isRelative !== i < done) throw new NotPrelinkable("its relative relocations don't come first");
      if (isRelative) elf.put64(this.#offsetOf(elf.u64(at)), elf.u64(at + 16) + BASE);
      else this.#moveRelocation(at);
    }
    const callsBytes = Number(this.#value(DT.PLTRELSZ));
    const calls = callsBytes === 0 ? 0 : this.#offsetOf(this.#value(DT.JMPREL));
    for (let at = calls; at < calls + callsBytes; at += RELA_BYTES) this.#moveRelocation(at);
    this.#shortenTable(BigInt(done * RELA_BYTES));
    this.#add(DT.RELACOUNT, BigInt(-done));
    return done;
  }

  /** Takes away the beginning of the table of relocations, for the dynamic linker and for those who look at sections. */
  #shortenTable(bytes: bigint): void {
    const elf = this.#elf;
    const start = this.#value(DT.RELA);
    this.#add(DT.RELA, bytes);
    this.#add(DT.RELASZ, -bytes);
    for (const section of elf.sections()) {
      if (elf.u32(section + 4) !== SHT.RELA || elf.u64(section + 16) !== start) continue;
      for (const field of [16, 24]) elf.put64(section + field, elf.u64(section + field) + bytes);
      elf.put64(section + 32, elf.u64(section + 32) - bytes);
    }
  }

  /** One that the dynamic linker still has to do. */
  #moveRelocation(at: number): void {
    const { irelative, others } = this.#types;
    const type = this.#elf.u32(at + 8);
    if (type !== irelative && !others.includes(type)) {
      throw new NotPrelinkable(`its relocation type ${type} is unknown`);
    }
    this.#elf.move(at);
    if (type === irelative) this.#elf.move(at + 16);
  }

  #moveSymbols(): void {
    const elf = this.#elf;
    const symbols = [...elf.sections()].find((section) => elf.u32(section + 4) === SHT.DYNSYM);
    if (symbols === undefined) throw new NotPrelinkable("it has no section of dynamic symbols");
    const [start, bytes] = [elf.size(symbols + 24), elf.size(symbols + 32)];
    for (let at = start; at < start + bytes; at += SYMBOL_BYTES) {
      const section = elf.u16(at + 6);
      const hasAddress = section !== SHN.UNDEF && section !== SHN.ABS && (elf.u8(at + 4) & 15) !== STT_TLS;
      if (hasAddress) elf.move(at + 8);
    }
  }

  #moveTables(): void {
    const elf = this.#elf;
    for (const tag of ADDRESSES) if (this.#dynamic.has(tag)) elf.move(this.#dynamic.get(tag)!);
    this.#add(DT.FLAGS_1, -DF_1_PIE);
    for (const section of elf.sections()) {
      if ((elf.u64(section + 8) & SHF_ALLOC) !== 0n) elf.move(section + 16);
    }
    for (const header of elf.programHeaders()) {
      if (elf.u32(header) === PT.GNU_STACK) continue; // has no address
      elf.move(header + 16);
      elf.move(header + 24);
    }
    elf.move(24); // where it begins
    elf.put16(16, ET.EXEC);
  }

  #add(tag: number, amount: bigint): void {
    const at = this.#dynamic.get(tag);
    if (at !== undefined) this.#elf.put64(at, this.#elf.u64(at) + amount);
  }

  /** Where in the file an address's bytes are. */
  #offsetOf(address: bigint): number {
    const elf = this.#elf;
    this.#segments ??= [...elf.programHeaders()].filter((header) => elf.u32(header) === PT.LOAD).map((header) => ({
      start: elf.u64(header + 16),
      end: elf.u64(header + 16) + elf.u64(header + 32),
      offset: elf.u64(header + 8),
    }));
    const segment = this.#segments.find(({ start, end }) => address >= start && address < end);
    if (segment === undefined) {
      throw new NotPrelinkable(`nothing in the file belongs to address ${address.toString(16)}`);
    }
    return Number(address - segment.start + segment.offset);
  }
  #segments: ReadonlyArray<{ readonly start: bigint; readonly end: bigint; readonly offset: bigint }> | undefined;
}
