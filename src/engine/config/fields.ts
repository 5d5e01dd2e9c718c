/**
 * @module
 * Kinds of fields of the configuration file: each takes a parsed value and gives what it means, or says what is wrong.
 */
import { parseAddress } from "../../network/address.ts";
import { parseNetwork } from "../../image/registry/mod.ts";
import { isPluginName } from "../../plugins/loaded_plugin.ts";

/** Says what is wrong with a field; never returns. */
export type Refuse = (field: string, why: string) => never;

/** One kind; `field` is the value's place, for messages. */
export type Field<T> = (value: unknown, field: string, refuse: Refuse) => T;

/** What a kind gives. */
export type Infer<F> = F extends Field<infer T> ? T : never;

/** Fields that may all be left out; others are refused. */
export function object<Fields extends Record<string, Field<unknown>>>(
  fields: Fields,
): Field<{ readonly [Name in keyof Fields]?: Infer<Fields[Name]> }> {
  return (value, field, refuse) => {
    const found: Record<string, unknown> = {};
    for (const [name, member] of members(value, field, refuse)) {
      if (!Object.hasOwn(fields, name)) {
        refuse(place(field, name), `unknown field (known are ${Object.keys(fields).join(", ")})`);
      }
      found[name] = fields[name]!(member, place(field, name), refuse);
    }
    return found as { readonly [Name in keyof Fields]?: Infer<Fields[Name]> };
  };
}

/** Any names of one kind, values of another. */
export function mapOf<T>(name: Field<string>, item: Field<T>): Field<Readonly<Record<string, T>>> {
  return (value, field, refuse) =>
    Object.fromEntries(
      members(value, field, refuse).map(([key, member]) => [
        name(key, place(field, key), refuse),
        item(member, place(field, key), refuse),
      ]),
    );
}

export function listOf<T>(item: Field<T>): Field<readonly T[]> {
  return (value, field, refuse) => {
    if (!Array.isArray(value)) return refuse(field, "it is no list");
    return value.map((each, at) => item(each, `${field}[${at}]`, refuse));
  };
}

export const text: Field<string> = (value, field, refuse) =>
  typeof value === "string" ? value : refuse(field, "it is no text");

/** One of a few words. */
export function oneOf<Word extends string>(words: readonly Word[]): Field<Word> {
  return (value, field, refuse) =>
    words.find((word) => word === value) ?? refuse(field, `it must be one of ${words.join(", ")}`);
}

/** From 1 to 1000. */
export const count: Field<number> = (value, field, refuse) =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 1000
    ? value
    : refuse(field, "it is no whole number from 1 to 1000");

export const filePath: Field<string> = (value, field, refuse) => {
  const path = text(value, field, refuse);
  return path.startsWith("/") ? path : refuse(field, `${JSON.stringify(path)} is no absolute path`);
};

/** A program by its absolute path, or by a name that is looked up where programs are. */
export const program: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (given === "") refuse(field, "it is empty");
  return given.includes("/") ? filePath(given, field, refuse) : given;
};

/** Part of a folder's name. */
export const runtimeName: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) ? name : refuse(field, `${JSON.stringify(name)} is no name`);
};

/** What stands for a plugin everywhere. */
export const pluginName: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return isPluginName(name) ? name : refuse(field, `${JSON.stringify(name)} is no plugin's name`);
};

/** What somebody else checks. */
export const anything: Field<unknown> = (value) => value;

/** `registry.lan` or `registry.lan:5000`, as in references. */
export const registryHost: Field<string> = (value, field, refuse) => {
  const host = text(value, field, refuse);
  const url = URL.parse(`https://${host}/`);
  const isHost = url !== null && (url.host === host.toLowerCase() || `${url.host}:443` === host.toLowerCase());
  return isHost && host !== "" ? host : refuse(field, `${JSON.stringify(host)} is no host (HOST or HOST:PORT)`);
};

/** An address; that of all of version 4 means every address, as with Docker. */
export const bindAddress: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (parseAddress(given) === undefined) refuse(field, `${JSON.stringify(given)} is no address`);
  return given === "0.0.0.0" ? "" : given;
};

export const insecureRegistry: Field<string> = (value, field, refuse) => {
  const name = text(value, field, refuse);
  return name.includes("/") && parseNetwork(name) !== undefined ? name : registryHost(name, field, refuse);
};

/** Scheme and host, as Docker wants mirrors to be. */
export const mirrorOrigin: Field<string> = (value, field, refuse) => {
  const url = httpUrl(value, field, refuse);
  const origin = `${url.protocol}//${url.host}/`;
  if (url.username !== "" || url.password !== "") refuse(field, "a mirror's URL must not have a user name");
  return url.href === origin
    ? origin
    : refuse(field, `${JSON.stringify(url.href)} must be scheme and host only: path, query or fragment at its end`);
};

/** May hold a user name and a password, so it is not shown. */
export const proxyUrl: Field<string> = (value, field, refuse) => {
  const given = text(value, field, refuse);
  if (given === "") return given;
  const url = URL.parse(given);
  return url !== null && ["http:", "https:", "socks5:"].includes(url.protocol)
    ? given
    : refuse(field, "it is no http:, https: or socks5: URL");
};

function httpUrl(value: unknown, field: string, refuse: Refuse): URL {
  const given = text(value, field, refuse);
  const url = URL.parse(given);
  return url !== null && ["http:", "https:"].includes(url.protocol)
    ? url
    : refuse(field, `${JSON.stringify(given)} is no http:// or https:// URL`);
}

function members(value: unknown, field: string, refuse: Refuse): [string, unknown][] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return Object.entries(value);
  return refuse(field, "it is no object");
}

const place = (field: string, name: string): string => field === "" ? name : `${field}.${name}`;
