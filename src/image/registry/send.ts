/**
 * @module
 * One HTTP request, no redirects followed, nothing decoded, with a limit on the time until the response's headers.
 */
import { TsdError } from "../../errors.ts";
import { throwIfCancelled } from "../../io/mod.ts";
import { networkError } from "./errors.ts";

/** A request as the rest of the client sees it. */
export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** A form to POST; otherwise the method is GET. */
  readonly form?: string;
  readonly signal?: AbortSignal;
}

/** Performs one request; a response of any status is a success. */
export type HttpSend = (request: HttpRequest) => Promise<Response>;

/** Headers of every request: bytes must arrive as they are stored. */
const ALWAYS = { "accept-encoding": "identity", "user-agent": "tsd" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Through `fetch`, with certificates verified. */
export const fetchSend: HttpSend = ({ url, headers, form, signal }) =>
  fetch(url, {
    method: form === undefined ? "GET" : "POST",
    body: form,
    headers: { ...ALWAYS, ...(form === undefined ? {} : FORM), ...headers },
    redirect: "manual",
    signal,
  });

/** Through node:https without verifying certificates: for registries that were named as insecure, and loopback. */
export const unverifiedSend: HttpSend = async ({ url, headers, form, signal }) => {
  const [{ request }, { Readable }] = await Promise.all([import("node:https"), import("node:stream")]);
  return await new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method: form === undefined ? "GET" : "POST",
      headers: { ...ALWAYS, ...(form === undefined ? {} : FORM), ...headers },
      rejectUnauthorized: false,
      agent: false,
      signal,
    }, (incoming) => {
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

/**
 * Sends a request and waits at most `responseMs` for the response's headers; `signal` also ends the body later.
 * @throws {TsdError} registry_unreachable, timeout, cancelled
 */
export async function sendWithin(send: HttpSend, request: HttpRequest, responseMs: number): Promise<Response> {
  throwIfCancelled(request.signal);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), responseMs);
  const signal = request.signal === undefined ? late.signal : AbortSignal.any([request.signal, late.signal]);
  try {
    return await send({ ...request, signal });
  } catch (error) {
    throwIfCancelled(request.signal);
    if (late.signal.aborted) {
      const seconds = Math.ceil(responseMs / 1000);
      throw new TsdError("timeout", `Cannot reach registry ${request.url.host}: no answer within ${seconds} s`);
    }
    throw networkError(request.url.host, error);
  } finally {
    clearTimeout(timer);
  }
}
