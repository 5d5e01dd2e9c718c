/** Redirect targets, and which parts of a request may be sent to them. */
import { TsdError } from "../../errors.ts";

export const MAX_REDIRECTS = 10;
/** Redirect statuses. */
export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Headers that must not be sent to another origin. */
const PRIVATE_HEADERS = ["authorization", "cookie"];

/** Headers and body of a request. */
export interface HttpPayload {
  readonly headers: Readonly<Record<string, string>>;
  readonly form?: string;
}

/**
 * Returns the target of a redirect.
 * @param from the URL of the request
 * @throws {TsdError} registry_protocol
 */
export function redirectTarget(response: Response, from: URL): URL {
  const location = response.headers.get("location");
  const target = location === null ? null : URL.parse(location, from.href);
  if (target === null) {
    throw new TsdError("registry_protocol", `Registry ${from.host} redirects to no usable address`);
  }
  return target;
}

/**
 * Returns what may be sent to a redirect's target: no private headers to another origin, and never a form (it has a
 * secret).
 */
export function afterRedirect({ headers }: HttpPayload, sameOrigin: boolean): HttpPayload {
  if (sameOrigin) return { headers };
  return {
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.includes(name.toLowerCase())),
    ),
  };
}
