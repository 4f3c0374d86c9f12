#!/bin/sh
# intake.sh FIRST COUNT FROM TO: an intake of students, as rows of register/students.csv.
# They are written one by one, so that a hundred thousand take no memory.
[ $# -eq 4 ] || { echo "usage: sh intake.sh FIRST COUNT FROM TO" >&2; exit 2; }
exec awk -v first="$1" -v count="$2" -v from="$3" -v to="$4" 'BEGIN {
  names = split("Ana Jürgen Chloé Łukasz Öykü Tiago Siân Þóra Mehmet Zoë Nuno Ingrid", name, " ")
  surnames = split("Silva Weiß Noël Nowak Şahin O\047Neill Hughes Ólafsdóttir Kaya Müller Brandão Berg Costa", surname, " ")
  programmes = split("BIO-BSC BIO-MSC HIS-BA LAW-LLB MAT-BSC MED-MD", programme, " ")
  for (n = first; n < first + count; n++)
    printf "S%06d,%s,%s,%s,%s,%s\n", n, name[n % names + 1], surname[int(n / 3) % surnames + 1], programme[n % programmes + 1], from, to
}'
