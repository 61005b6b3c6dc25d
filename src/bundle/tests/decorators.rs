//! Decorators of both kinds and `accessor`: lowered, run, and reported at the user's own line.

use rolldown::ModuleType;

use super::*;
use crate::bundle::SourceMaps;
use crate::bundle::decorators::{Language, has_decorators};

/// Every kind of decorator, with what it is told; the answers are those of esbuild 0.28 and V8, recorded once.
const EVERY_KIND: &str = r#"
const log: string[] = [];
type Context = DecoratorContext & { name?: string | symbol; private?: boolean; static?: boolean };
const note = (label: string) => (value: unknown, context: Context) => {
    const flags = [context.static && 'static', context.private && 'private'].filter(Boolean).join(' ');
    log.push(`${label}: ${context.kind} ${String(context.name)} ${typeof value} ${flags}`.trim());
    context.addInitializer(function (this: any) {
        log.push(`init ${label} ${typeof this}`);
    });
};
const double = (method: (n: number) => number, _: ClassMethodDecoratorContext) =>
    function (this: unknown, n: number) { return method.call(this, n) * 2; };
const plusOne = (_: undefined, __: ClassFieldDecoratorContext) => (initial: number) => initial + 1;
const upper = (get: () => string, _: ClassGetterDecoratorContext) =>
    function (this: unknown) { return get.call(this).toUpperCase(); };
const clamp = (target: ClassAccessorDecoratorTarget<unknown, number>, _: ClassAccessorDecoratorContext) => ({
    get(this: unknown) { return target.get.call(this); },
    set(this: unknown, value: number) { target.set.call(this, Math.min(value, 10)); },
    init(value: number) { return value + 100; },
});
const seal = <T extends new (...args: any[]) => object>(Base: T, context: ClassDecoratorContext) => {
    log.push(`seal ${String(context.name)}`);
    return class extends Base { sealed = true; } as T;
};

interface Shape { area(): number }
abstract class Base<T> { constructor(protected readonly base: T) {} abstract kind(): string }

@seal @note('class')
class Everything<T = string> extends Base<T> implements Shape {
    declare absent: string;
    static { log.push('static block'); }
    @note('field') @plusOne field: number = 1;
    @note('private field') #hidden = 'h' as const;
    @note('static field') static shared: number = 3;
    @note('accessor') @clamp accessor limited = 1;
    @note('static accessor') static accessor count = 7;
    accessor plain: number | undefined = 5;
    constructor(base: T, private size?: number) { super(base); }
    @note('method') @double twice(n: number): number { return n; }
    @note('private method') #secret(): string { return this.#hidden; }
    @note('static method') static make(this: void): string { return 'made'; }
    @note('getter') @upper get title(): string { return 'title'; }
    @note('setter') set title(value: string) { log.push(`set ${value}`); }
    @note('computed') ['com' + 'puted']!: number;
    area(): number { return (this.size ?? 2) * this.twice(3); }
    kind() { return this.#secret() + this.base; }
    get own() { return Object.keys(this).sort(); }
}
const it = new Everything('b');
it.title = 'x';
it.limited = 50;
it.plain = 6;
const Expression = @note('expression') class Named { @note('inner') value = 1; };
new Expression();
globalThis.result = [
    it.area(), it.kind(), it.title, it.limited, new Everything('c').limited, it.plain, it.field, (it as any).sealed,
    Everything.shared, Everything.count, Everything.make(), it.own, log,
];
"#;

#[test]
fn every_kind_of_decorator_runs_as_it_should() {
    let result = run_files(&[("src/index.ts", EVERY_KIND)]);
    assert_eq!(result, include_str!("decorators.expected.json").trim_end());
}

#[test]
fn javascript_jsx_and_exported_classes_are_lowered_too() {
    let result = run_files(&[
        (
            "src/index.ts",
            "import Default, { Before, After, React } from './classes.js';\n\
             globalThis.result = [Default.mark, Before.mark, After.mark, React.mark, new After().view];",
        ),
        (
            "src/classes.js",
            "const mark = (value, { name }) => { value.mark = `marked ${name}`; };\n\
             export const React = class { static createElement(tag) { return tag; } };\n\
             export @mark class Before {}\n\
             @mark export class After { accessor view = <p/>; }\n\
             export default @mark class Named {}\n",
        ),
    ]);
    assert_eq!(result, r#"["marked Named","marked Before","marked After",null,"p"]"#);
}

#[test]
fn metadata_is_shared_along_the_chain_of_classes() {
    let result = run_files(&[(
        "src/index.ts",
        "(Symbol as { metadata?: symbol }).metadata ??= Symbol('Symbol.metadata');\n\
         const tag = (text: string) => (_: unknown, context: DecoratorContext) => {\n\
             ((context.metadata.tags ??= []) as string[]).push(`${String(context.name)} ${text}`);\n\
         };\n\
         class A { @tag('one') a = 1; @tag('two') b() {} }\n\
         globalThis.result = (A as any)[Symbol.metadata];",
    )]);
    assert_eq!(result, r#"{"tags":["b two","a one"]}"#);
}

/// What runs and what it gives, as esbuild 0.28 and V8 do.
#[test]
fn corners_of_the_proposal() {
    for (text, expected) in [
        (
            "let access: any = {};
             const keep = (_: unknown, context: any) => { access[context.name] = context.access; };
             class A { @keep #f = 2; @keep #m() { return 3; } @keep get #g() { return 4; } @keep accessor #q = 5;
                 @keep static #t = 6; @keep static #sm() { return 7; } @keep set #s(v: any) { this.z = v; } z = 0; }
             const a: any = new A(); access['#s'].set(a, 44); access['#f'].set(a, 9); access['#q'].set(a, 55);
             globalThis.result = [access['#m'].get(a).call(a), access['#g'].get(a), a.z, access['#q'].get(a),
                 access['#t'].get(A), access['#sm'].get(A)(), access['#f'].get(a), access['#m'].has({})];",
            "[3,4,44,55,6,7,9,false]",
        ),
        (
            "(Symbol as any).metadata ??= Symbol('Symbol.metadata');
             const note = (key: string) => (_: unknown, { metadata, name }: any) => {
                 metadata[key] = name; metadata.list = [...(metadata.list ?? []), name];
             };
             class A { @note('a') x = 1; }
             class B extends A { @note('b') y = 2; }
             @note('c') class C extends B {}
             class D extends C {}
             const M = (Symbol as any).metadata;
             globalThis.result = [A, B, C, D].map((it: any) => [Object.keys(it[M]).join(), it[M].list, it[M].a]);",
            r#"[["a,list",["x"],"x"],["b,list",["x","y"],"x"],["c,list",["x","y","C"],"x"],["c,list",["x","y","C"],"x"]]"#,
        ),
    ] {
        assert_eq!(run_files(&[("src/index.ts", text)]), expected);
    }
}

#[test]
fn older_decorators_cannot_stand_on_private_names() {
    let options = ("tsconfig.json", r#"{ "compilerOptions": { "experimentalDecorators": true } }"#);
    for member in ["#x = 1", "#x() {}", "static get #x() { return 1; }"] {
        let text = format!("function d(...a: any[]): any {{}}\nclass A {{ @d {member} }}\nglobalThis.x = A;");
        let failure = TestProject::new(&[("src/index.ts", &text), options]).fail(&[]);
        let expected = "src/index.ts:2:";
        let shown = shown(&failure.diagnostics);
        assert!(shown.starts_with(expected) && shown.contains("cannot stand on private names"), "{shown}");
    }
}

/// TypeScript's older decorators, by `experimentalDecorators`.
#[test]
fn older_decorators_see_what_they_decorate() {
    const NOTE: &str = "const log: unknown[] = [];
        function note(name: string): any { return (...a: any[]) => { log.push([name, typeof a[0], a[1], a.length]); }; }\n";
    for (text, expected) in [
        (
            "class A { @note('sp') static s = 1; @note('ip') i = 2; @note('sm') static m() {} @note('im') im() {}
                 @note('sg') static get g() { return 1; } @note('n') static n; }
             globalThis.result = [log, A.s];",
            r#"[[["ip","object","i",3],["im","object","im",3],["sp","function","s",3],["sm","function","m",3],["sg","function","g",3],["n","function","n",3]],1]"#,
        ),
        (
            "const key = (name: string) => { log.push(name); return name; };
             class A { @note('1') [key('a')] = 1; @note('2') [key('b')]() {} @note('3') static [key('c')] = 2;
                 @note('4') 'text' = 1; @note('5') 5 = 5; }
             globalThis.result = log;",
            r#"["a","b","c",["1","object","a",3],["2","object","b",3],["4","object","text",3],["5","object",5,3],["3","function","c",3]]"#,
        ),
        (
            "@note('class') class A { @note('m') m(@note('p') a: any) {} constructor(@note('cp') readonly q = 3) {} }
             globalThis.result = [log, new A()];",
            r#"[[["p","object","m",3],["m","object","m",3],["cp","function",null,3],["class","function",null,1]],{"q":3}]"#,
        ),
        (
            "const wrap: any = (_: any, __: string, { get }: any) => ({ get(this: any) { return `<${get.call(this)}>`; } });
             class A { @wrap accessor x = 1; @note('s') static accessor y = 2; }
             globalThis.result = [new A().x, A.y, log];",
            r#"["<1>",2,[["s","function","y",3]]]"#,
        ),
        (
            "const types: any = []; (Reflect as any).metadata = (...a: any[]) => { types.push(a); return () => {}; };
             class A { @note('typed') name: string = 'x'; }
             globalThis.result = [types, new A().name];",
            r#"[[],"x"]"#,
        ),
        (
            "const wrap: any = (C: any) => class extends C { extra = 1; };
             @wrap class A { static me = () => A; self() { return A; } static made = new A(); static title = A.name; }
             @wrap class B { static made = B.name; }
             function inner() { @wrap class C { me() { return C; } } return [C, new C().me() === C]; }
             @wrap export class D { static me = () => ({ D }).D; }
             @wrap export default class E { static me = () => E; }
             globalThis.result = [(new A() as any).extra, A.me() === A, new A().self() === A, A.made instanceof A, A.title, B.made,
                 inner()[1], D.me() === D, E.me() === E];",
            r#"[1,true,true,false,"A","B",true,true,true]"#,
        ),
    ] {
        let text = format!("{NOTE}{text}");
        let options = r#"{ "compilerOptions": { "experimentalDecorators": true, "emitDecoratorMetadata": true } }"#;
        assert_eq!(run_files(&[("src/index.ts", &text), ("tsconfig.json", options)]), expected);
    }
}

/// A file whose lowered text is shifted by helpers, and that fails in a decorated method.
const FAILING: &str = "// ü\n\
    const log = (method: Function, _: ClassMethodDecoratorContext) => method as any;\n\
    export class A {\n  @log\n  method(): never {\n    throw new Error('here');\n  }\n}\n\
    globalThis.result = new A();";

#[test]
fn places_lead_to_the_users_own_lines() {
    let bundle = TestProject::new(&[("src/index.ts", FAILING)]).build();
    let at = |word: &str| {
        let (line, text) = code(&bundle).lines().enumerate().find(|(_, text)| text.contains(word)).unwrap();
        (line as u32 + 1, text.find(word).unwrap() as u32 + 1)
    };
    let (line, column) = at("throw new Error(\"here\")");
    let found = SourceMaps::new(&bundle).lookup("index.js", line, column).unwrap();
    assert_eq!((found.path.as_str(), found.line, found.column), ("src/index.ts", 6, 5));
}

#[test]
fn mistakes_in_a_decorated_file_have_their_own_place() {
    for (added, expected) in [
        (
            "import { x } from './gone'; globalThis.y = x;",
            "src/index.ts:10:19: cannot find `./gone` (bundle/unresolved-import) ['./gone'|]",
        ),
        (
            "import { valeu } from './there'; globalThis.y = valeu;",
            "src/index.ts:10:10: `src/there.ts` does not export `valeu` (bundle/missing-export) [valeu|] -> did you mean `value`?",
        ),
        ("const x = ;", "src/index.ts:10:11: unexpected token (bundle/syntax) [;|]"),
        ("class B { @log accessor = }", "src/index.ts:10:27: unexpected token (bundle/syntax) [}|]"),
    ] {
        let text = format!("{FAILING}\n{added}");
        let files = [("src/index.ts", text.as_str()), ("src/there.ts", "export const value = 1;")];
        let failure = TestProject::new(&files).fail(&[]);
        assert_eq!(shown(&failure.diagnostics), expected);
    }
}

#[test]
fn an_edit_adds_and_removes_decorators() {
    let plain = "export class A { x = 1 }";
    let mut project = TestProject::new(&[
        ("src/index.ts", "import { A } from './a'; globalThis.result = Object.keys(new A());"),
        ("src/a.ts", plain),
    ]);
    assert_eq!(run(&project.build()), r#"["x"]"#);
    for (text, expected) in [
        ("export class A { accessor x = 1 }", "[]"),
        (plain, r#"["x"]"#),
        ("export class A { accessor x = 2; y = 1 }", r#"["y"]"#),
    ] {
        let a = project.write("src/a.ts", text);
        assert_eq!(run(&project.rebuild(&[a])), expected, "{text}");
    }
}

#[test]
fn only_the_files_that_need_it_are_lowered() {
    let language = Language::of(&ModuleType::Ts).unwrap();
    for (text, expected) in [
        ("@d class A {}", true),
        ("class A { accessor x = 1 }", true),
        ("export default class { method(@d x) {} }", true),
        ("const accessor = 'a@b'; // @decorated", false),
        ("class A { accessor = 1; accessor2 = '@' }", false),
        ("@d class A { x = ; }", false),
    ] {
        assert_eq!(has_decorators(text, language), expected, "{text}");
    }
    assert_eq!(Language::of(&ModuleType::Json), None);
}
