
/* What dodev adds to SQLite. It stands behind the last line of sqlite3.c; build/sqlite.rs puts the lines that use it into
** the rest. */

/*
** Writes the rows read and the rows written by the runs of pStmt since they were last forgotten.
*/
SQLITE_API void dodev_row_counts(sqlite3_stmt *pStmt, u64 *aRows){
  memcpy(aRows, ((Vdbe*)pStmt)->aRows, sizeof(((Vdbe*)pStmt)->aRows));
}

/*
** Forgets them.
*/
SQLITE_API void dodev_forget_row_counts(sqlite3_stmt *pStmt){
  memset(((Vdbe*)pStmt)->aRows, 0, sizeof(((Vdbe*)pStmt)->aRows));
}

/*
** If pCall is "dodev limit"(CONDITION, (SELECT 1 ORDER BY ... LIMIT ...)), with or without the first argument, takes it apart
** and frees it.
*/
static int takeCall(Parse *pParse, Expr *pCall, Expr **ppWhere, ExprList **ppOrderBy, Expr **ppLimit){
  ExprList *pList;
  Select *pSelect;
  if( pCall==0 || pCall->op!=TK_FUNCTION || strcmp(pCall->u.zToken, "dodev limit")!=0 ) return 0;
  pList = pCall->x.pList;
  if( pList==0 || pList->nExpr>2 || pList->a[pList->nExpr-1].pExpr->op!=TK_SELECT ) return 0;
  pSelect = pList->a[pList->nExpr-1].pExpr->x.pSelect;
  *ppOrderBy = pSelect->pOrderBy;
  *ppLimit = pSelect->pLimit;
  pSelect->pOrderBy = 0;
  pSelect->pLimit = 0;
  if( pList->nExpr==2 ){
    *ppWhere = pList->a[0].pExpr;
    pList->a[0].pExpr = 0;
  }
  sqlite3ExprDelete(pParse->db, pCall);
  /* EXPLAIN QUERY PLAN shows the numbers of selections. This one was the last. */
  pParse->nSelect--;
  return 1;
}

/*
** Gives a DELETE or UPDATE its ORDER BY and LIMIT. The parser of the amalgamation does not know them there, the functions
** behind it do. So the text has such a call as its condition, or, as the parameters have to keep their order, behind
** the last expression that it returns.
*/
static void takeLimit(Parse *pParse, Expr **ppWhere, ExprList **ppOrderBy, Expr **ppLimit){
  Expr *pWhere = 0;
  if( takeCall(pParse, *ppWhere, &pWhere, ppOrderBy, ppLimit) ){
    *ppWhere = pWhere;
  }else if( pParse->bReturning && pParse->pNewTrigger==0 && pParse->nested==0 ){
    ExprList *pList = pParse->u1.d.pReturning->pReturnEL;
    if( pList && pList->nExpr>1 && takeCall(pParse, pList->a[pList->nExpr-1].pExpr, &pWhere, ppOrderBy, ppLimit) ){
      pList->nExpr--;
      sqlite3DbFree(pParse->db, pList->a[pList->nExpr].zEName);
    }
  }
}
