static void
i1_nothing_runs_unrecorded(void **state)
{
}

/* i2_a_deny_is_final(void ** */
