/**
 * @module
 * Options of a network's bridge (`--opt`), by Docker's names. Each has an effect; any other is refused.
 */
import { TsdError } from "../../errors.ts";
import { parseAddress } from "../../network/address.ts";

/** What they come to. */
export interface BridgeOptions {
  /** Of the interface; undefined for one of our own making. */
  readonly name: string | undefined;
  readonly mtu: number;
  /** Whether containers of the network reach each other. */
  readonly connectsContainers: boolean;
  /** Whether their addresses are hidden behind the host's. */
  readonly masquerades: boolean;
  /** Where ports without an address are published; empty for everywhere, undefined where nobody said. */
  readonly bindAddress: string | undefined;
}

const NAME = "com.docker.network.bridge.name";
const MTU = "com.docker.network.driver.mtu";
const ICC = "com.docker.network.bridge.enable_icc";
const MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade";
const BIND = "com.docker.network.bridge.host_binding_ipv4";
const KNOWN: ReadonlySet<string> = new Set([NAME, MTU, ICC, MASQUERADE, BIND]);

/** As Docker's. */
const DEFAULT_MTU = 1500;
/** What fits into the kernel's 16 bytes. */
const INTERFACE = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,14}$/;
/** What IPv4 needs (RFC 791), and the most that an interface can have. */
const [LEAST_MTU, MOST_MTU] = [68, 65_535];

/** @throws {TsdError} invalid_argument, not_implemented */
export function bridgeOptions(options: Readonly<Record<string, string>> = {}): BridgeOptions {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) {
    throw new TsdError("not_implemented", `Cannot create the network: the option ${unknown} is not supported yet`);
  }
  const name = options[NAME];
  if (name !== undefined && !INTERFACE.test(name)) throw invalid(NAME, name, "a name of an interface");
  const bindAddress = options[BIND] || undefined;
  if (bindAddress !== undefined && parseAddress(bindAddress)?.family !== 4) {
    throw invalid(BIND, bindAddress, "an IPv4 address");
  }
  return {
    name,
    mtu: mtu(options[MTU]),
    connectsContainers: flag(ICC, options[ICC]),
    masquerades: flag(MASQUERADE, options[MASQUERADE]),
    bindAddress: bindAddress === "0.0.0.0" ? "" : bindAddress,
  };
}

function mtu(text: string | undefined): number {
  if (text === undefined || text === "0") return DEFAULT_MTU;
  const value = Number(text);
  if (/^\d+$/.test(text) && LEAST_MTU <= value && value <= MOST_MTU) return value;
  throw invalid(MTU, text, `a number from ${LEAST_MTU} to ${MOST_MTU}`);
}

function flag(key: string, text = "true"): boolean {
  if (["1", "t", "true", "True", "TRUE"].includes(text)) return true;
  if (["0", "f", "false", "False", "FALSE"].includes(text)) return false;
  throw invalid(key, text, "true or false");
}

const invalid = (key: string, value: string, requested: string) =>
  new TsdError("invalid_argument", `invalid value ${JSON.stringify(value)} for the option ${key}: give ${requested}`);
