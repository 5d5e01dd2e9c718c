/**
 * @module
 * Forwarding of packets of one version by the machine: switched on for the first bridge, as containers need it. A machine that was no router
 * before doesn't become one: while it was switched on by an engine, a rule keeps the machine's other interfaces apart. It
 * is switched off again with the last bridge, unless others may have come to rely on it.
 */
import type { Log } from "../../log.ts";
import type { Family } from "../../network/address.ts";
import type { LinkKind } from "../../network/links.ts";
import { isFile } from "../../io/if_exists.ts";
import { setKernel } from "./kernel_settings.ts";

/** Interfaces of engines, virtual machines and tunnels. A veth may be a container's that is just going. */
const RELYING_KINDS: readonly string[] = ["bridge", "tun", "wireguard"];
const SETTINGS = { 4: "/proc/sys/net/ipv4/ip_forward", 6: "/proc/sys/net/ipv6/conf/all/forwarding" } as const;

export interface ForwardingDeps {
  readonly log: Log;
  /** Says that it was switched on by an engine of this machine, and in which network namespace. Gone after a boot, as is the setting. */
  readonly mark: string;
  /** All interfaces of the machine. */
  readonly links: () => Promise<readonly LinkKind[]>;
  /** Keeps other engines from making bridges; the caller of {@link Forwarding.begin} has it. */
  readonly lock: () => Promise<Disposable>;
  /** Version 4 if not given. */
  readonly family?: Family;
  /** What must be done before it is switched on. */
  readonly before?: () => void;
  readonly setting?: string;
}

/** See the module's comment. */
export class Forwarding {
  readonly #deps: ForwardingDeps;

  constructor(deps: ForwardingDeps) {
    this.#deps = deps;
  }

  /** Whether it is on only because an engine switched it on. */
  get isManaged(): boolean {
    return this.#isOn && isFile(this.#deps.mark);
  }

  /** For the first bridge. @throws {TsdError} runtime_failed */
  begin(): void {
    const { log, mark } = this.#deps;
    if (this.#isOn) return;
    this.#deps.before?.();
    setKernel(this.#setting, "1");
    Deno.writeTextFileSync(mark, "", { mode: 0o600 });
    log.info("the kernel forwards packets for containers from now on, and for nobody else", this.#fields);
  }

  /** After the last bridge. @throws {TsdError} runtime_failed, timeout */
  async end(): Promise<void> {
    const { log, mark, links, lock } = this.#deps;
    if (!this.isManaged) return;
    using _lock = await lock();
    if (!this.isManaged) return;
    const others = (await links()).filter(({ kind }) => kind !== undefined && RELYING_KINDS.includes(kind));
    if (others.length > 0) {
      const interfaces = others.map(({ name }) => name).join();
      return log.info("the kernel goes on forwarding, as others may need it", { ...this.#fields, interfaces });
    }
    setKernel(this.#setting, "0");
    Deno.removeSync(mark);
    log.info("the kernel doesn't forward packets any more, as before the first container", this.#fields);
  }

  get #isOn(): boolean {
    return isFile(this.#setting) && Deno.readTextFileSync(this.#setting).trim() !== "0";
  }

  get #setting(): string {
    return this.#deps.setting ?? SETTINGS[this.#deps.family ?? 4];
  }

  get #fields() {
    return { version: this.#deps.family ?? 4 };
  }
}
