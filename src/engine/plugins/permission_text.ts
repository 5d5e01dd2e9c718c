/** Permissions in a line, as Deno's flags call them: `net api.example.com:443, read /srv`. */
export function permissionText(permissions: Readonly<Record<string, readonly string[]>>): string {
  return Object.entries(permissions).map(([kind, values]) => `${kind} ${values.join(" ")}`).join(", ") || "nothing";
}
