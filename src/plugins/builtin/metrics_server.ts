/**
 * @module
 * Serves metrics on a loopback port. Requests of web pages (cross-origin, or by DNS rebinding) are refused.
 */
import type { Log } from "../../log.ts";
import { METRICS_TYPE } from "./metrics_text.ts";

/** Starts the server. An address that can't be listened on is logged and does not keep the engine from starting. */
export function serveMetrics(
  address: { readonly hostname: string; readonly port: number },
  text: () => string,
  log: Log,
): AsyncDisposable | undefined {
  try {
    return Deno.serve({
      ...address,
      onListen: ({ hostname, port }) => log.info("metrics are served", { hostname, port }),
      onError: (thrown) => {
        log.error("serving metrics failed", { error: String(thrown) });
        return new Response("internal error\n", { status: 500 });
      },
    }, (request) => answer(request, text));
  } catch (thrown) {
    log.error("metrics can't be served", { ...address, error: String(thrown) });
    return undefined;
  }
}

const LOCAL_NAMES = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/;

function answer(request: Request, text: () => string): Response {
  const isExternal = request.headers.has("origin") || !LOCAL_NAMES.test(request.headers.get("host") ?? "");
  if (isExternal) return new Response("forbidden\n", { status: 403 });
  if (new URL(request.url).pathname !== "/metrics") return new Response("not found\n", { status: 404 });
  if (request.method !== "GET") return new Response("method not allowed\n", { status: 405, headers: { allow: "GET" } });
  return new Response(text(), { headers: { "content-type": METRICS_TYPE } });
}
