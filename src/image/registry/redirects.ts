/** Redirects: where they lead, and what may go along. */
import { TsdError } from "../../errors.ts";

export const MAX_REDIRECTS = 10;
/** Statuses that are redirects. */
export const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Headers that belong to one origin only. */
const PRIVATE_HEADERS = ["authorization", "cookie"];

/** What a request carries. */
export interface HttpPayload {
  readonly headers: Readonly<Record<string, string>>;
  readonly form?: string;
}

/** @param from the URL that was asked. @throws {TsdError} registry_protocol */
export function redirectTarget(response: Response, from: URL): URL {
  const location = response.headers.get("location");
  const target = location === null ? null : URL.parse(location, from.href);
  if (target === null) {
    throw new TsdError("registry_protocol", `Registry ${from.host} redirects to no usable address`);
  }
  return target;
}

/** What may go to the next address: elsewhere nothing private, and a form (it holds a secret) never. */
export function afterRedirect({ headers }: HttpPayload, sameOrigin: boolean): HttpPayload {
  if (sameOrigin) return { headers };
  return {
    headers: Object.fromEntries(
      Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.includes(name.toLowerCase())),
    ),
  };
}
