//! Compiles SQLite for dodev: the source that `libsqlite3-sys` brings along, compiled as the platform compiles its own, with
//! a few lines of ours.
//!
//! `libsqlite3-sys` says where its source lies. Only ours has the functions of `sqlite.c`. [`CHANGES`] holds for one version.

use std::path::Path;
use std::{env, fs};

use super::changes::Change::{self, Behind, Instead};
use super::changes::{changed, compile, out_dir};

/// The version that [`CHANGES`] was written for.
const VERSION: &str = "3.54.1";

/// Name of the library made here.
const LIBRARY: &str = "dodev_sqlite3";

/// Options of the platform's SQLite (`build/BUILD.sqlite3` of workerd), except its ceiling for one allocation, which would hold for
/// copies of whole databases too.
const DEFINITIONS: &[(&str, Option<&str>)] = &[
    ("SQLITE_DEFAULT_FOREIGN_KEYS", Some("1")),
    ("SQLITE_ENABLE_FTS5", None),
    ("SQLITE_ENABLE_MATH_FUNCTIONS", None),
    ("SQLITE_ENABLE_RTREE", None),
    ("SQLITE_ENABLE_UPDATE_DELETE_LIMIT", None),
    ("SQLITE_OMIT_SHARED_CACHE", None),
    ("SQLITE_PRINTF_PRECISION_LIMIT", Some("100000")),
    // What a configuring script would find out; as `libsqlite3-sys` sets it.
    ("HAVE_ISNAN", None),
];

/// The same, on Unix only.
const UNIX_DEFINITIONS: &[(&str, Option<&str>)] = &[("HAVE_LOCALTIME_R", None), ("HAVE_USLEEP", Some("1"))];

/// Rows read and written are counted where the platform's SQLite counts them (`patches/sqlite/0001-row-counts-plain.patch`
/// of workerd says where), the authorizer is asked about a table's new name (`0004-authorizer-rename-to-destination-name.patch`),
/// and a change may have a limit. The last three save system calls and time of each commit.
const CHANGES: &[Change] = &[
    Behind(
        "  u32 aCounter[9];        /* Counters used by sqlite3_stmt_status() */\n",
        "  u64 aRows[2];           /* Rows read and rows written */\n",
    ),
    // Count
    Behind("    rc = sqlite3BtreeCount(db, pCrsr, &nEntry);\n", "    p->aRows[0] += nEntry;\n"),
    // SeekLT, SeekLE, SeekGE, SeekGT: not where an equal entry was searched and is missing.
    Behind(
        "    if( eqOnly && r.eqSeen==0 ){\n      assert( res!=0 );\n      goto seek_not_found;\n    }\n  }\n",
        "  p->aRows[0]++;\n",
    ),
    // SeekRowid, NotExists
    Behind("  VdbeBranchTaken(res!=0,2);\n  pC->seekResult = res;\n", "  p->aRows[0]++;\n"),
    // Insert
    Behind(
        "  assert( (pOp->p5 & OPFLAG_LASTROWID)==0 || (pOp->p5 & OPFLAG_NCHANGE)!=0 );\n",
        "  if( !pC->isEphemeral ) p->aRows[1]++;\n",
    ),
    // Delete
    Behind(
        "  /* Invoke the update-hook if required. */\n  if( opflags & OPFLAG_NCHANGE ){\n    p->nChange++;\n",
        "    if( !pC->isEphemeral ) p->aRows[1]++;\n",
    ),
    // Last
    Behind(
        "  rc = sqlite3BtreeLast(pCrsr, &res);\n  pC->nullRow = (u8)res;\n  pC->deferredMoveto = 0;\n  \
         pC->cacheStatus = CACHE_STALE;\n  if( rc ) goto abort_due_to_error;\n",
        "  p->aRows[0]++;\n",
    ),
    // Rewind, Sort, SorterSort
    Behind(
        "    rc = sqlite3BtreeFirst(pCrsr, &res);\n    pC->deferredMoveto = 0;\n    pC->cacheStatus = CACHE_STALE;\n  }\n  \
         if( rc ) goto abort_due_to_error;\n",
        "  p->aRows[0]++;\n",
    ),
    // Next, Prev, SorterNext
    Behind("    p->aCounter[pOp->p5]++;\n", "    p->aRows[0]++;\n"),
    // IdxInsert
    Behind(
        "  assert( (pIn2->flags & MEM_Blob) || (pOp->p5 & OPFLAG_PREFORMAT) );\n  \
         if( pOp->p5 & OPFLAG_NCHANGE ) p->nChange++;\n",
        "  if( !pC->isEphemeral ) p->aRows[1]++;\n",
    ),
    // Clear
    Behind("  if( pOp->p3 ){\n    p->nChange += nChange;\n", "    p->aRows[1] += nChange;\n"),
    // VNext
    Behind(
        "  rc = pModule->xNext(pCur->uc.pVCur);\n  sqlite3VtabImportErrmsg(p, pVtab);\n  \
         if( rc ) goto abort_due_to_error;\n",
        "  p->aRows[0]++;\n",
    ),
    // VUpdate
    Behind(
        "        p->errorAction = ((pOp->p5==OE_Replace) ? OE_Abort : pOp->p5);\n      }\n    }else{\n",
        "      p->aRows[1]++;\n",
    ),
    // ALTER TABLE … RENAME TO
    Behind(
        "    sqlite3ErrorMsg(pParse, \"view %s may not be altered\", pTab->zName);\n    goto exit_rename_table;\n  }\n#endif\n",
        "  if( sqlite3AuthCheck(pParse, SQLITE_ALTER_TABLE, zDb, pTab->zName, zName) ){\n    goto exit_rename_table;\n  }\n",
    ),
    // DELETE and UPDATE with a limit
    Behind(
        "SQLITE_PRIVATE void sqlite3DeleteFrom(Parse*, SrcList*, Expr*, ExprList*, Expr*);\n",
        "static void takeLimit(Parse*, Expr**, ExprList**, Expr**);\n",
    ),
    Behind(
        "  assert( db->pParse==pParse );\n  if( pParse->nErr ){\n    goto delete_from_cleanup;\n  }\n",
        "  takeLimit(pParse, &pWhere, &pOrderBy, &pLimit);\n",
    ),
    Behind(
        "  assert( db->pParse==pParse );\n  if( pParse->nErr ){\n    goto update_cleanup;\n  }\n",
        "  takeLimit(pParse, &pWhere, &pOrderBy, &pLimit);\n",
    ),
    // A page and its head go into the log at once.
    Behind(
        "  walEncodeFrame(p->pWal, pPage->pgno, nTruncate, pData, aFrame);\n",
        "  if( p->szPage<=4096 ){\n    u8 aBoth[WAL_FRAME_HDRSIZE+4096];\n    memcpy(aBoth, aFrame, sizeof(aFrame));\n    \
         memcpy(&aBoth[sizeof(aFrame)], pData, p->szPage);\n    \
         return walWriteToLog(p, aBoth, sizeof(aFrame)+p->szPage, iOffset);\n  }\n",
    ),
    // A reader's mark may be somewhat behind: it only says what a checkpoint must leave in the log meanwhile.
    Instead("     && (mxReadMark<mxFrame || mxI==0)\n", "     && (mxReadMark+64<mxFrame || mxI==0)\n"),
    // A page that every commit writes has as many slots of the log's index in a row as frames: four are looked at together.
    Behind(
        "    for(iKey=walHash(iPage); sLoc.aHash[iKey]; iKey=walNextHash(iKey)){\n",
        "      while( nCollide>4 && (iKey&3)==3 && iKey+4<HASHTABLE_NSLOT ){\n        u64 aSlot;\n        \
         memcpy(&aSlot, (const void*)&sLoc.aHash[iKey+1], sizeof(aSlot));\n        \
         if( (aSlot-0x0001000100010001ull) & ~aSlot & 0x8000800080008000ull ) break;\n        \
         iKey += 4;\n        nCollide -= 4;\n      }\n",
    ),
];

/// Makes the library and tells cargo to link it.
pub fn build() {
    const ADDITIONS: &str = "build/sqlite.c";
    let folder = env::var_os("DEP_SQLITE3_INCLUDE").expect("`libsqlite3-sys` says where its source lies");
    let source = Path::new(&folder).join("sqlite3.c");
    println!("cargo::rerun-if-changed={}", source.display());
    let text = fs::read_to_string(&source).expect("the source that `libsqlite3-sys` brings along");
    let version = format!("#define SQLITE_VERSION        \"{VERSION}\"\n");
    assert!(
        text.contains(&version),
        "build/sqlite.rs is for SQLite {VERSION}; `libsqlite3-sys` brings another version"
    );
    let additions = fs::read_to_string(ADDITIONS).expect("a readable source file");
    let mut compiler = cc::Build::new();
    let is_unix = env::var_os("CARGO_CFG_UNIX").is_some();
    let system = if is_unix { UNIX_DEFINITIONS } else { &[] };
    for (name, value) in DEFINITIONS.iter().chain(system) {
        compiler.define(name, *value);
    }
    let text = changed(text, "SQLite", CHANGES) + &additions;
    compile(compiler, &text, LIBRARY, &out_dir());
}
