//! Policy: typed rules, facts in, decision out.
