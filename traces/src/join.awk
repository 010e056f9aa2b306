# A hash join: customers (id, city) are the build side, orders (id, customer, amount) the probe side;
# then amounts are summed by city.
FILENAME == ARGV[1] { city[$1] = $2; next }
$2 in city { sum[city[$2]] += $3; joined++ }
END {
    for (c in sum)
        print c, sum[c]
    print joined
}
