/** What a copy is called whose source was a link that was followed. Pure. */
import { baseName, requestsContent } from "../../../archive/mod.ts";

/** The path that `written` led to, with the end that was written; and the name that was written, where it is another. */
export function followed(written: string, target: string): { readonly path: string; readonly otherName?: string } {
  let path = target;
  if (requestsContent(written) && !requestsContent(path)) path += "/.";
  if (written.endsWith("/") && !path.endsWith("/")) path += "/";
  return baseName(written) === baseName(path) ? { path } : { path, otherName: baseName(written) };
}
