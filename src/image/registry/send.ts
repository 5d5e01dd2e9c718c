/**
 * @module
 * Sends a single HTTP request, without following redirects or decoding, with a time limit until the response's headers.
 */
import { TsdError } from "../../errors.ts";
import { throwIfCancelled } from "../../io/mod.ts";
import type { TlsMaterial } from "./certificates.ts";
import { networkError } from "./errors.ts";

/** A request, independent of the HTTP client. */
export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A form to send with POST; without it the method is GET. */
  readonly form?: string;
  readonly signal?: AbortSignal;
}

/** Sends a request; a response of any status is a success. */
export type HttpSend = (request: HttpRequest) => Promise<Response>;

/** Headers of every request. Bodies must arrive exactly as they are stored. */
const ALWAYS = { "accept-encoding": "identity", "user-agent": "tsd" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Sends with `fetch`. */
const fetchSend: HttpSend = ({ url, headers, form, signal }) =>
  fetch(url, {
    method: form === undefined ? "GET" : "POST",
    body: form,
    headers: { ...ALWAYS, ...(form === undefined ? {} : FORM), ...headers },
    redirect: "manual",
    signal,
  });

/** TLS options of node:https. */
export interface NodeTls extends Partial<TlsMaterial> {
  /** Accepts any certificate. */
  readonly unverified?: boolean;
}

/**
 * Sends with node:http and node:https, for what `fetch` doesn't support: unverified certificates, a registry's own CA
 * or client certificate, and ports that browsers block. Ignores proxy settings.
 */
export const nodeSend = (tls: NodeTls = {}): HttpSend => async ({ url, headers, form, signal }) => {
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  const { Readable } = await import("node:stream");
  const options = {
    method: form === undefined ? "GET" : "POST",
    headers: { ...ALWAYS, ...(form === undefined ? {} : FORM), ...headers },
    agent: false,
    signal,
    ...(url.protocol === "https:" ? await tlsOptions(tls) : {}),
  } as const;
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, options, (incoming) => {
      const status = incoming.statusCode ?? 0;
      const fields = Object.entries(incoming.headers).flatMap(([name, value]): [string, string][] =>
        value === undefined ? [] : [[name, String(value)]]
      );
      const body = status === 204 || status === 304 ? null : Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
      resolve(new Response(body, { status, headers: fields }));
    });
    outgoing.on("error", reject);
    outgoing.end(form);
  });
};

async function tlsOptions({ unverified = false, authorities = [], cert, key }: NodeTls) {
  const { rootCertificates } = await import("node:tls");
  return {
    rejectUnauthorized: !unverified,
    ...(authorities.length === 0 ? {} : { ca: [...rootCertificates, ...authorities] }),
    ...(cert === undefined ? {} : { cert, key }),
  };
}

/** Sends without verifying certificates: for registries configured as insecure, and loopback. */
export const unverifiedSend: HttpSend = nodeSend({ unverified: true });

/** The ports that `fetch` blocks (WHATWG Fetch, "bad port"), as far as a registry could use them. */
const REFUSED_PORTS = new Set(
  [
    ...[1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109],
    ...[110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530],
    ...[531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045],
    ...[4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080],
  ].map(String),
);

/** Sends with verified certificates; uses `fetch` where possible. */
export const verifiedSend: HttpSend = (request) =>
  REFUSED_PORTS.has(request.url.port) ? nodeSend()(request) : fetchSend(request);

/**
 * Sends a request and waits at most `responseMs` for the response's headers; `signal` also cancels the body later.
 * @throws {TsdError} registry_unreachable, timeout, cancelled
 */
export async function sendWithin(send: HttpSend, request: HttpRequest, responseMs: number): Promise<Response> {
  throwIfCancelled(request.signal);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), responseMs);
  const signal = request.signal === undefined ? timeout.signal : AbortSignal.any([request.signal, timeout.signal]);
  try {
    return await send({ ...request, signal });
  } catch (error) {
    throwIfCancelled(request.signal);
    if (timeout.signal.aborted) {
      const seconds = Math.ceil(responseMs / 1000);
      throw new TsdError("timeout", `Cannot reach registry ${request.url.host}: no answer within ${seconds} s`);
    }
    throw networkError(request.url.host, error);
  } finally {
    clearTimeout(timer);
  }
}
