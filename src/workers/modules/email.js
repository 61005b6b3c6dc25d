// What user code imports from "cloudflare:email".

/** An email to send or to reply with, as wrangler makes it. Bindings that send it are not emulated: those refuse by name. */
export class EmailMessage {
  constructor(from, to, raw) {
    this.from = from;
    this.to = to;
    this["EmailMessage::raw"] = raw;
  }
}
