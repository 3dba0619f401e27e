-- Where did it all go? Spending of the month that has just ended, by category, with the change against the month before.
WITH sums AS (
    SELECT strftime('%Y-%m', booked_on) AS month, category, SUM(-amount) AS spent
    FROM bookings
    WHERE amount < 0 AND category <> 'transfer'
    GROUP BY month, category
)
SELECT now.category,
       ROUND(now.spent, 2) AS spent,
       ROUND(now.spent - COALESCE(before.spent, 0), 2) AS change
FROM sums AS now
LEFT JOIN sums AS before
       ON before.category = now.category
      AND before.month = strftime('%Y-%m', 'now', 'start of month', '-2 months')
WHERE now.month = strftime('%Y-%m', 'now', 'start of month', '-1 month')
ORDER BY spent DESC;
