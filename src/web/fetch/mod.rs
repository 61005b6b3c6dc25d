//! Requests, responses and their way between host and JavaScript.
//!
//! All of it is JavaScript over the operations of [`super::bytes`]. The host that runs Workers adds those of [`super::body`]; the tests
//! here put records in their place.

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use rquickjs::prelude::Func;
    use rquickjs::{Ctx, Module, Object, Result};

    use crate::engine::exception::Exception;
    use crate::engine::loader::ModuleSource;
    use crate::engine::turn::Entered;
    use crate::engine::{Extension, Host, Isolate, IsolateOptions, RealmId, Scope};

    /// Pipes of the tests: 1 holds two chunks, 2 breaks off, 3 takes everything, 4 has no reader.
    const HOST: &str = r#"(host) => {
        const log = globalThis.log = [];
        const bytes = (text) => new Uint8Array([...text].map((c) => c.charCodeAt(0))).buffer;
        const chunks = [bytes("ab"), bytes("cd"), null];
        globalThis.structuredClone ??= (value) => JSON.parse(JSON.stringify(value));
        host.requestHeaders = (handle) => {
            log.push(`headers ${handle}`);
            return ["accept", "*/*", "x-n", "1", "x-n", "2"];
        };
        host.bodyRead = async (pipe) => {
            if (pipe === 2) throw new Error("broke off");
            return chunks.shift();
        };
        host.bodyReadAll = async (pipe) => bytes(`all of ${pipe}`);
        host.bodyCancel = (pipe) => { log.push(`cancel ${pipe}`); };
        host.bodyWrite = (pipe, chunk) => {
            if (pipe === 4) throw new Error("the reader is gone");
            log.push(`write ${pipe} ${chunk.byteLength}`);
            return log.length % 2 ? undefined : Promise.resolve();
        };
        host.bodyEnd = (pipe) => { log.push(`end ${pipe}`); };
        host.bodyBreak = (pipe, error) => { log.push(`fail ${pipe} ${error.message}`); };
        host.bodyGone = (pipe) => pipe === 4 ? undefined : new Promise(() => {});
        host.bodyCancelled = () => [];
    }"#;

    fn install<'js>(ctx: &Ctx<'js>, host: &Object<'js>, _: &Rc<Host>) -> Result<()> {
        ctx.eval::<rquickjs::Function<'js>, _>(HOST)?.call((host.clone(),))
    }

    /// Runs `script`, an async function body that sees `fetching` and `log`; gives what it returns as JSON.
    fn run(script: &str) -> String {
        const HOST_PARTS: Extension = Extension { install, eager: &[], public: &[] };
        let parts = |e: &Extension| Extension { install: e.install, eager: e.eager, public: e.public };
        let mut extensions = vec![HOST_PARTS];
        extensions.extend(super::super::EXTENSIONS.iter().map(parts));
        let isolate =
            Isolate::new(Host::detached(), &extensions, &IsolateOptions::default()).expect("an isolate");
        isolate.turn(Scope::NONE, |ctx| {
            let module = Module::import(ctx, "dodev:web/fetch").and_then(|p| p.finish::<Object<'_>>());
            ctx.globals().set("fetching", module.expect("the prelude loads")).expect("a global");
            Entered::Done
        });
        let answer = Rc::new(RefCell::new("did not finish".to_owned()));
        let note = answer.clone();
        isolate.turn(Scope::NONE, |ctx| {
            let store = Func::from(move |text: String| *note.borrow_mut() = text);
            ctx.globals().set("answer", store).expect("a global");
            Entered::Done
        });
        let source = format!(
            "const text = async (stream) => {{ let out = ''; for await (const c of stream) out += String.fromCharCode(...c); return out }};
             const main = async () => {{ {script} }};
             answer(JSON.stringify(await main()));"
        );
        isolate.set_user_modules(
            RealmId::FIRST,
            [("index.js".to_owned(), ModuleSource::EsModule(source.into()))].into(),
        );
        isolate.load(RealmId::FIRST, "index.js", |ctx, result| {
            if let Err(thrown) = result {
                panic!("{}", Exception::read(ctx, &thrown));
            }
        });
        answer.take()
    }

    fn check(script: &str, expected: &str) {
        assert_eq!(run(script), expected, "{script}");
    }

    #[test]
    fn headers_of_a_request_are_fetched_once_and_cannot_change() {
        check(
            "const r = fetching.incomingRequest('GET', 'http://a/b', 7, null);
             const before = [...log];
             const seen = [r.headers.get('x-n'), [...r.headers].length, r.method, r.url, r.redirect, r.body];
             let refusal; try { r.headers.set('a', 'b') } catch (e) { refusal = e.message }
             return [before, seen, refusal, log];",
            r#"[[],["1, 2",2,"GET","http://a/b","manual",null],"Can't modify immutable headers.",["headers 7"]]"#,
        );
    }

    #[test]
    fn cf_and_copies_of_a_request() {
        check(
            "const r = fetching.incomingRequest('GET', 'http://a/b', 7, null, '{\"colo\":\"X\"}');
             const copy = new Request(r); copy.headers.set('a', 'b');
             const frozen = [r, copy, r.clone()].map(({ cf }) => Object.isFrozen(cf));
             return [r.cf, copy.cf, frozen, copy.headers.get('a'), r.headers.get('a'), r.clone().headers.get('accept')];",
            r#"[{"colo":"X"},{"colo":"X"},[true,false,false],"b",null,"*/*"]"#,
        );
    }

    #[test]
    fn cf_is_sent_with_the_wishes_that_follow_from_it() {
        check(
            "const sent = (init) => { try { return fetching.cfText(new Request('http://a/', init)) ?? null } catch (e) { return e.message } };
             const outside = fetching.incomingRequest('GET', 'http://a/b', 7, null, true);
             const edge = fetching.cfText(outside);
             return [sent({}), sent({ cf: { cacheTtl: 5 } }), sent({ cf: { cacheTtl: -1 } }), sent({ cf: { f() {}, d: NaN } }),
               sent({ cache: 'no-store', cf: { a: 1 } }), sent({ cache: 'no-cache' }), sent({ cache: 'no-store', cf: { cacheTtl: 4 } }),
               edge === fetching.cfText(new Request(outside)), edge === JSON.stringify(outside.cf)];",
            concat!(
                r#"[null,"{\"cacheTtl\":5,\"cacheControl\":\"max-age=5\"}","{\"cacheTtl\":-1,\"cacheControl\":\"no-store\"}","{\"d\":null}","#,
                r#""{\"a\":1,\"cacheTtl\":-1,\"cacheLevel\":\"bypass\",\"cacheControl\":\"no-store\"}","#,
                r#""{\"cacheForceRevalidate\":true,\"cacheControl\":\"no-cache\"}","#,
                r#""CacheTtl: 4, is not compatible with cache: no-store header.",true,true]"#,
            ),
        );
    }

    #[test]
    fn whole_bodies_are_read_without_streams() {
        check(
            "const post = (body) => fetching.incomingRequest('POST', 'http://a/', 1, body);
             const whole = host => post(new Uint8Array([123, 125]).buffer);
             const used = post(5); await used.text();
             let refusal; try { await used.text() } catch (e) { refusal = e.name }
             return [await post(9).text(), await whole().json(), used.bodyUsed, refusal];",
            r#"["all of 9",{},true,"TypeError"]"#,
        );
    }

    #[test]
    fn touched_bodies_are_streams_of_the_pipe() {
        check(
            "const r = fetching.incomingRequest('POST', 'http://a/', 1, 1);
             const all = await text(r.body);
             const broken = fetching.incomingRequest('POST', 'http://a/', 1, 2).body.getReader().read();
             const error = await broken.catch((e) => e.message);
             await fetching.incomingRequest('POST', 'http://a/', 1, 6).body.cancel();
             return [all, r.bodyUsed, error, log];",
            r#"["abcd",true,"broke off",["cancel 6"]]"#,
        );
    }

    #[test]
    fn a_body_nobody_touched_keeps_its_pipe() {
        check(
            "const r = fetching.incomingRequest('POST', 'http://a/', 1, 8);
             const [status, statusText, headers, body, socket] = fetching.takeResponse(new Response(r.body));
             return [status, statusText, headers, typeof body, socket, await fetching.describeRequest(new Request(fetching.incomingRequest('POST', 'http://a/', 1, 8))).body];",
            r#"[200,null,[],"number",null,8]"#,
        );
    }

    #[test]
    fn responses_are_taken_apart_once() {
        check(
            "const r = new Response('x', { status: 201, statusText: 'Q', headers: { A: 'b' } });
             const parts = fetching.takeResponse(r);
             let refusal; try { fetching.takeResponse(r) } catch (e) { refusal = e.message }
             const plain = fetching.takeResponse(new Response('y'));
             return [parts, r.bodyUsed, refusal.slice(0, 26), plain, fetching.takeResponse(new Response(null))];",
            r#"[[201,"Q",["a","b","content-type","text/plain;charset=UTF-8"],"x",null,false],true,"Body has already been used",[200,null,["content-type","text/plain;charset=UTF-8"],"y",null],[200,null,[],null,null]]"#,
        );
    }

    #[test]
    fn pumping_writes_ends_fails_and_cancels() {
        check(
            "const source = (chunks, cancel) => new ReadableStream({ pull(c) { const x = chunks.shift();
               if (x === undefined) c.close(); else if (x instanceof Error) c.error(x); else c.enqueue(x) }, cancel });
             const a = new Uint8Array(3);
             const threw = (error) => { log.push(`threw ${error.message}`) };
             await fetching.pumpToHost(source([a, a]), 3);
             await fetching.pumpToHost(source([a, new Error('mid')]), 3).catch(threw);
             await fetching.pumpToHost(source([{}]), 3, undefined, true).catch(threw);
             await fetching.pumpToHost(source([a, a, a], (e) => { log.push(`cancelled ${e}`) }), 4, () => 'lost');
             return log;",
            r#"["write 3 3","write 3 3","end 3","write 3 3","fail 3 mid","threw mid","end 3","threw Draining read encountered a value that cannot be converted to bytes","end 4","cancelled lost"]"#,
        );
    }

    #[test]
    fn descriptions_make_the_same_again() {
        check(
            "const f = fetching;
             const q = f.reviveRequest(f.describeRequest(new Request('http://a/', { method: 'POST', body: 'b', headers: { x: 'y' }, cf: { z: 1 } })));
             const s = f.reviveResponse(f.describeResponse(new Response('c', { status: 202, statusText: 'Q' })), true);
             const h = f.reviveHeaders(f.describeHeaders(new Headers({ k: 'v' })));
             let refusal; try { s.headers.set('a', 'b') } catch (e) { refusal = e.name }
             return [q.method, q.url, q.headers.get('x'), q.cf, await q.text(), s.status, s.statusText, await s.text(), refusal, h.get('k')];",
            r#"["POST","http://a/","y",{"z":1},"b",202,"Q","c","TypeError","v"]"#,
        );
    }

    #[test]
    fn without_a_world_outside_fetch_refuses_by_name() {
        check(
            "return await fetch('http://a/').catch((e) => e.message);",
            r#""dodev does not emulate fetch() here: http://a/""#,
        );
    }
}
