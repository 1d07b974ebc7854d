/* true - the smallest subject of a run.
 * Its own file because the time around a program is only seen when the program itself takes none.
 * Changes when: never. */
int main(void)
{
    return 0;
}
