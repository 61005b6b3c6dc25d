// What is an IP address.

const OCTET = "(?:25[0-5]|2[0-4]\\d|1?\\d{1,2}|0)";
const V4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);

/** Whether `text` is an IPv4 address in four decimal parts. */
export function isIPv4(text) {
  return V4.test(`${text}`) && !/(?:^|\.)0\d/.test(`${text}`);
}

/** Whether `text` is an IPv6 address, perhaps with a zone. */
export function isIPv6(text) {
  const [address, zone, ...more] = `${text}`.split("%");
  if (more.length > 0 || (zone !== undefined && !/^[0-9a-zA-Z.-]+$/.test(zone))) return false;
  const last = address.slice(address.lastIndexOf(":") + 1);
  const groups = last.includes(".") ? (isIPv4(last) ? address.slice(0, -last.length) + "0:0" : "") : address;
  const halves = groups.split("::");
  if (groups === "" || halves.length > 2) return false;
  const parts = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  if (!parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return false;
  return halves.length === 2 ? parts.length < 8 : parts.length === 8;
}

/** 4, 6, or 0 for what is no address. */
export function isIP(text) {
  if (isIPv4(text)) return 4;
  return isIPv6(text) ? 6 : 0;
}
